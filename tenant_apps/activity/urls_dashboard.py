"""The dashboard's audit trail, and how background work stands."""

from django.urls import path

from tenant_apps.activity import background_views, views

urlpatterns = [
    path("audit/", views.trail, name="dashboard-audit"),
    path("audit/export.csv", views.export, name="dashboard-audit-export"),
    path("background/", background_views.background, name="dashboard-background"),
    path("background/retry/", background_views.retry_all, name="dashboard-background-retry-all"),
    path("background/<uuid:pk>/retry/", background_views.retry, name="dashboard-background-retry"),
]
