"""The staff's pages about the first steps, below /dashboard/."""

from django.urls import path

from tenant_apps.onboarding import views

urlpatterns = [
    path("first-steps/", views.first_steps, name="dashboard-first-steps"),
    path("first-steps/examples/", views.examples, name="dashboard-examples"),
]
