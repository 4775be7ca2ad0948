"""The first steps of a new tenant."""

from django.urls import path

from api.v1.onboarding import views

tenant_urls = [
    path("onboarding/", views.OnboardingView.as_view(), name="onboarding"),
    path("sample-content/", views.SampleContentView.as_view(), name="sample-content"),
]
