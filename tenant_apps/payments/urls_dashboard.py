"""Money that staff took in by hand."""

from django.urls import path

from tenant_apps.payments.views import dashboard

urlpatterns = [path("orders/<slug:code>/mark-paid/", dashboard.mark_paid, name="dashboard-order-mark-paid")]
