"""Who follows, and what is liked."""

from django.urls import path

from tenant_apps.customers.views import dashboard

urlpatterns = [path("audience/", dashboard.audience, name="dashboard-audience")]
