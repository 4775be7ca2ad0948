"""What providers tell the platform itself, on its host; what a tenant used, on the tenant's."""

from django.urls import path

from api.v1.billing import usage, views

public_urls = [
    path("billing/webhooks/stripe-connect/", views.ConnectWebhookView.as_view(), name="billing-webhook-connect"),
]
tenant_urls = [
    path("usage/", usage.UsageView.as_view(), name="usage"),
]
