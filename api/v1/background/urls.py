"""Where one sees how background work stands."""

from django.urls import path

from api.v1.background import views

tenant_urls = [
    path("background-work/", views.StandingView.as_view(), name="background-work"),
    path("background-work/parked/", views.ParkedView.as_view(), name="background-parked"),
    path("background-work/parked/retry/", views.RetryAllView.as_view(), name="background-retry-all"),
    path("background-work/parked/<uuid:pk>/retry/", views.RetryView.as_view(), name="background-retry"),
]
