"""The certificate of an erasure, on the platform's host: the site itself is gone."""

from django.urls import path

from shared_apps.departures import views

urlpatterns = [
    path("erasures/<str:secret>/", views.certificate, name="erasure-certificate"),
    path("erasures/<str:secret>/certificate.json", views.certificate_file, name="erasure-certificate-file"),
]
