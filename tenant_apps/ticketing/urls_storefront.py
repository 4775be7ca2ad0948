"""The storefront's first pages, and the door: staff reach it by a short address of its own."""

from django.urls import path

from tenant_apps.ticketing.views import dashboard, storefront

urlpatterns = [
    path("", storefront.home, name="storefront-home"),
    path("events/", storefront.events, name="storefront-events"),
    path("scan/", dashboard.doors, name="scan-doors"),
    path("scan/<int:pk>/", dashboard.scan, name="scan"),
]
