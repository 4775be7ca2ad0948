"""Webhooks that a tenant's programs receive."""

from django.urls import path

from api.v1.webhooks import views

tenant_urls = [
    path("webhooks/", views.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/topics/", views.TopicsView.as_view(), name="webhook-topics"),
    path("webhooks/<uuid:pk>/", views.WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:pk>/rotate-secret/", views.RotateView.as_view(), name="webhook-rotate"),
    path("webhooks/<uuid:pk>/test/", views.TestView.as_view(), name="webhook-test"),
    path("webhooks/<uuid:pk>/replay/", views.ReplaySinceView.as_view(), name="webhook-replay-since"),
    path("webhooks/<uuid:pk>/deliveries/", views.DeliveriesView.as_view(), name="webhook-deliveries"),
    path("webhooks/<uuid:pk>/deliveries/<uuid:delivery>/", views.DeliveryView.as_view(), name="webhook-delivery"),
    path("webhooks/<uuid:pk>/deliveries/<uuid:delivery>/replay/", views.ReplayView.as_view(), name="webhook-replay"),
]
