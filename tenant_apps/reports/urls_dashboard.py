"""The dashboard's numbers."""

from django.urls import path

from tenant_apps.reports.views import dashboard

urlpatterns = [
    path("", dashboard.home, name="dashboard-home"),
    path("events/<slug:slug>/", dashboard.event, name="dashboard-event"),
]
