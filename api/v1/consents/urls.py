"""What buyers are asked to agree to, and who did."""

from django.urls import path

from api.v1.consents import views

tenant_urls = [
    path("legal-texts/", views.TextsView.as_view(), name="legal-texts"),
    path("legal-texts/<slug:code>/", views.TextView.as_view(), name="legal-text"),
    path("consents/", views.ConsentsView.as_view(), name="consents"),
    path("consents/<uuid:pk>/withdraw/", views.WithdrawView.as_view(), name="consent-withdraw"),
]
