"""The platform's first pages."""

from django.urls import path

from shared_apps.signup import views

urlpatterns = [
    path("", views.home, name="platform-home"),
    path("signup/", views.signup, name="signup"),
    path("signup/confirm/", views.confirm, name="signup-confirm"),
    path("legal/<slug:code>/", views.legal, name="platform-legal"),
    path("signup/slug/", views.slug_check, name="signup-slug"),
]
