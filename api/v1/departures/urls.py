"""Pausing, closing and taking everything along: on the platform's host, which answers whatever the site does."""

from django.urls import path

from api.v1.departures import views

public_urls = [
    path("tenants/<str:slug>/exports/", views.ExportsView.as_view(), name="tenant-exports"),
    path("tenants/<str:slug>/exports/<uuid:pk>/", views.ExportView.as_view(), name="tenant-export"),
    path("tenants/<str:slug>/exports/<uuid:pk>/archive/", views.ArchiveView.as_view(), name="tenant-archive"),
    path("tenants/<str:slug>/pause/", views.PauseView.as_view(), name="tenant-pause"),
    path("tenants/<str:slug>/closing/", views.ClosingView.as_view(), name="tenant-closing"),
    path("erasures/<str:secret>/", views.ErasureView.as_view(), name="tenant-erasure"),
]
