"""The storefront's first pages."""

from django.urls import path

from tenant_apps.ticketing.views import storefront

urlpatterns = [
    path("", storefront.home, name="storefront-home"),
    path("events/", storefront.events, name="storefront-events"),
]
