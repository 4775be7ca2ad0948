"""What moves an order's money: taken in by hand, sent back with a cancellation."""

from django.urls import path

from tenant_apps.payments.views import dashboard

urlpatterns = [
    path("orders/<slug:code>/mark-paid/", dashboard.mark_paid, name="dashboard-order-mark-paid"),
    path("orders/<slug:code>/cancel/", dashboard.cancel, name="dashboard-order-cancel"),
]
