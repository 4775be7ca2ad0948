"""Where imports and exports are found."""

from django.urls import path

from api.v1.imports import views
from tenant_apps.imports import converters  # noqa: F401  (makes "export_format" known)

tenant_urls = [
    path("imports/", views.ImportsView.as_view(), name="imports"),
    path("imports/<uuid:pk>/", views.ImportView.as_view(), name="import"),
    path("imports/<uuid:pk>/apply/", views.ApplyView.as_view(), name="import-apply"),
    path("imports/<uuid:pk>/errors.csv", views.ErrorsView.as_view(), name="import-errors"),
    path("import-mappings/", views.MappingsView.as_view(), name="import-mappings"),
    path("exports/<slug:resource>.<export_format:kind>", views.ExportView.as_view(), name="export"),
]
