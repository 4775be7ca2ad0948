"""Money that staff took in by hand, and orders that are cancelled with their money."""

from django.urls import path

from tenant_apps.payments.views import dashboard

urlpatterns = [
    path("orders/<slug:code>/mark-paid/", dashboard.mark_paid, name="dashboard-order-mark-paid"),
    path("orders/<slug:code>/cancel/", dashboard.cancel, name="dashboard-order-cancel"),
]
