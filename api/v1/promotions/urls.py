"""Discounts and vouchers."""

from django.urls import path

from api.v1.promotions import views

tenant_urls = [
    path("discounts/", views.DiscountsView.as_view(), name="discounts"),
    path("discounts/<int:pk>/", views.DiscountView.as_view(), name="discount"),
    path("vouchers/", views.VouchersView.as_view(), name="vouchers"),
    path("vouchers/bulk/", views.BulkVouchersView.as_view(), name="vouchers-bulk"),
    path("vouchers/<str:code>/", views.VoucherView.as_view(), name="voucher"),
    path("vouchers/<str:code>/uses/", views.VoucherUsesView.as_view(), name="voucher-uses"),
]
