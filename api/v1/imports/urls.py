"""Where imports are found."""

from django.urls import path

from api.v1.imports import views

tenant_urls = [
    path("imports/", views.ImportsView.as_view(), name="imports"),
    path("imports/<uuid:pk>/", views.ImportView.as_view(), name="import"),
    path("imports/<uuid:pk>/apply/", views.ApplyView.as_view(), name="import-apply"),
]
