"""Where tenants are opened: on the platform's host."""

from django.urls import path

from api.v1.signup import views

public_urls = [
    path("tenants/", views.TenantsView.as_view(), name="tenants"),
    path("legal-texts/", views.PlatformTextsView.as_view(), name="platform-texts"),
    path("signup/slug/", views.SlugView.as_view(), name="signup-slug-check"),
]
