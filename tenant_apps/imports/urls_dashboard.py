"""The staff's pages of imports: upload, say which column is which, look, apply; and files to take along."""

from django.urls import path

from tenant_apps.imports import converters  # noqa: F401  (makes "export_format" known)
from tenant_apps.imports.views import dashboard

urlpatterns = [
    path("imports/", dashboard.index, name="dashboard-imports"),
    path("imports/<uuid:pk>/", dashboard.job, name="dashboard-import-job"),
    path("imports/<uuid:pk>/columns/", dashboard.columns, name="dashboard-import-columns"),
    path("imports/<uuid:pk>/apply/", dashboard.apply, name="dashboard-import-apply"),
    path("imports/<uuid:pk>/errors.csv", dashboard.errors, name="dashboard-import-errors"),
    path("imports/<slug:resource>/", dashboard.upload, name="dashboard-import"),
    path("exports/<slug:resource>.<export_format:kind>", dashboard.export, name="dashboard-export"),
]
