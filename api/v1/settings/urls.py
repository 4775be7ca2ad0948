"""What a tenant decides about its site."""

from django.urls import path

from api.v1.settings import backups, views

tenant_urls = [
    path("settings/", views.SettingsView.as_view(), name="settings"),
    path("backups/", backups.BackupsView.as_view(), name="backups"),
    path("backups/<uuid:pk>/", backups.BackupView.as_view(), name="backup"),
    path("settings/logo/", views.LogoView.as_view(), name="settings-logo"),
]
