"""What the platform sells, and what providers tell it, on its host; what a tenant has and used, on the tenant's."""

from django.urls import path

from api.v1.billing import plans, subscription, usage, views

public_urls = [
    path("plans/", plans.PlansView.as_view(), name="plans"),
    path("billing/webhooks/stripe-connect/", views.ConnectWebhookView.as_view(), name="billing-webhook-connect"),
    path("billing/webhooks/stripe/", subscription.BillingWebhookView.as_view(), name="billing-webhook"),
    path("tenants/<str:slug>/subscription/", subscription.SubscriptionView.as_view(), name="tenant-subscription"),
    path("tenants/<str:slug>/subscription/resume/", subscription.ResumeView.as_view(), name="tenant-resume-plan"),
    path("tenants/<str:slug>/subscription/preview/", subscription.PreviewView.as_view(), name="tenant-preview-plan"),
    path("tenants/<str:slug>/invoices/", subscription.InvoicesView.as_view(), name="tenant-invoices"),
    path("tenants/<str:slug>/billing-portal/", subscription.PortalView.as_view(), name="tenant-billing-portal"),
]
tenant_urls = [
    path("billing/plan/", plans.TenantPlanView.as_view(), name="billing-plan"),
    path("billing/ticket-fees/", plans.TicketFeesView.as_view(), name="billing-ticket-fees"),
    path("usage/", usage.UsageView.as_view(), name="usage"),
]
