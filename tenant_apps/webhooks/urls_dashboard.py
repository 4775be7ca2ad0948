"""The staff's pages about webhooks."""

from django.urls import path

from tenant_apps.webhooks.views import dashboard

urlpatterns = [
    path("webhooks/", dashboard.listed, name="dashboard-webhooks"),
    path("webhooks/new/", dashboard.new, name="dashboard-webhook-new"),
    path("webhooks/<uuid:pk>/", dashboard.log, name="dashboard-webhook"),
    path("webhooks/<uuid:pk>/edit/", dashboard.edit, name="dashboard-webhook-edit"),
    path("webhooks/<uuid:pk>/switch/", dashboard.switch, name="dashboard-webhook-switch"),
    path("webhooks/<uuid:pk>/test/", dashboard.test, name="dashboard-webhook-test"),
    path("webhooks/<uuid:pk>/rotate/", dashboard.rotate, name="dashboard-webhook-rotate"),
    path("webhooks/<uuid:pk>/replay/", dashboard.replay_since, name="dashboard-webhook-replay-since"),
    path("webhooks/<uuid:pk>/delete/", dashboard.delete, name="dashboard-webhook-delete"),
    path("webhooks/<uuid:pk>/log/<uuid:delivery>/", dashboard.delivery, name="dashboard-webhook-delivery"),
    path("webhooks/<uuid:pk>/log/<uuid:delivery>/replay/", dashboard.replay, name="dashboard-webhook-replay"),
]
