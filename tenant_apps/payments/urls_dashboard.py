"""What moves an order's money: taken in by hand, sent back with a cancellation."""

from django.urls import path

from tenant_apps.payments.views import accounts, dashboard

urlpatterns = [
    path("settings/payments/", accounts.overview, name="dashboard-payment-accounts"),
    path("settings/payments/<slug:name>/", accounts.connect, name="dashboard-payment-account"),
    path("settings/payments/<uuid:pk>/switch/", accounts.switch, name="dashboard-payment-account-switch"),
    path("orders/<slug:code>/mark-paid/", dashboard.mark_paid, name="dashboard-order-mark-paid"),
    path("orders/<slug:code>/refund/", dashboard.refund, name="dashboard-order-refund"),
    path("orders/<slug:code>/cancel/", dashboard.cancel, name="dashboard-order-cancel"),
]
