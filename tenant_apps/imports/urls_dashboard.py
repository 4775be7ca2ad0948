"""The staff's page of an import: upload, look, apply."""

from django.urls import path

from tenant_apps.imports.views import dashboard

urlpatterns = [
    path("imports/products/", dashboard.upload, name="dashboard-import"),
    path("imports/<uuid:pk>/", dashboard.job, name="dashboard-import-job"),
    path("imports/<uuid:pk>/apply/", dashboard.apply, name="dashboard-import-apply"),
]
