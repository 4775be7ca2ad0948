"""The staff's pages of discounts and vouchers."""

from django.urls import path

from tenant_apps.promotions.views import dashboard

urlpatterns = [
    path("discounts/", dashboard.discounts, name="dashboard-discounts"),
    path("new-discount/", dashboard.new_discount, name="dashboard-discount-new"),
    path("discounts/<int:pk>/", dashboard.discount, name="dashboard-discount"),
    path("discounts/<int:pk>/delete/", dashboard.delete_discount, name="dashboard-discount-delete"),
    path("vouchers/", dashboard.vouchers, name="dashboard-vouchers"),
    path("vouchers.csv", dashboard.voucher_file, name="dashboard-vouchers-file"),
    path("new-voucher/", dashboard.new_voucher, name="dashboard-voucher-new"),
    path("new-vouchers/", dashboard.many_vouchers, name="dashboard-vouchers-new"),
    path("vouchers/<slug:code>/", dashboard.voucher, name="dashboard-voucher"),
    path("vouchers/<slug:code>/delete/", dashboard.delete_voucher, name="dashboard-voucher-delete"),
]
