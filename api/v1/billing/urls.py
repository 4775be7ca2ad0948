"""What the platform sells, and what providers tell it, on its host; what a tenant has and used, on the tenant's."""

from django.urls import path

from api.v1.billing import plans, usage, views

public_urls = [
    path("plans/", plans.PlansView.as_view(), name="plans"),
    path("billing/webhooks/stripe-connect/", views.ConnectWebhookView.as_view(), name="billing-webhook-connect"),
]
tenant_urls = [
    path("billing/plan/", plans.TenantPlanView.as_view(), name="billing-plan"),
    path("billing/ticket-fees/", plans.TicketFeesView.as_view(), name="billing-ticket-fees"),
    path("usage/", usage.UsageView.as_view(), name="usage"),
]
