"""What a tenant decides about its site."""

from django.urls import path

from api.v1.settings import views

tenant_urls = [
    path("settings/", views.SettingsView.as_view(), name="settings"),
    path("settings/logo/", views.LogoView.as_view(), name="settings-logo"),
]
