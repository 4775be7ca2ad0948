"""What providers tell the platform itself: on the platform's host."""

from django.urls import path

from api.v1.billing import views

public_urls = [
    path("billing/webhooks/stripe-connect/", views.ConnectWebhookView.as_view(), name="billing-webhook-connect"),
]
