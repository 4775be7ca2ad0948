"""The dashboard's audit trail."""

from django.urls import path

from tenant_apps.activity import views

urlpatterns = [
    path("audit/", views.trail, name="dashboard-audit"),
    path("audit/export.csv", views.export, name="dashboard-audit-export"),
]
