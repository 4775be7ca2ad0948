"""The storefront's first pages, and the door: staff reach it by a short address of its own."""

from django.urls import path

from tenant_apps.ticketing.views import dashboard, scanner, storefront

urlpatterns = [
    path("", storefront.home, name="storefront-home"),
    path("events/", storefront.events, name="storefront-events"),
    path("scan/", scanner.app, name="scan-doors"),
    path("scan/manifest.webmanifest", scanner.manifest, name="scan-manifest"),
    path("scan/service-worker.js", scanner.service_worker, name="scan-service-worker"),
    path("scan/reader.js", scanner.reader, name="scan-reader"),
    path("scan/<int:pk>/", dashboard.scan, name="scan"),
]
