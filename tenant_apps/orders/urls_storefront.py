"""Where a buyer orders."""

from django.urls import path

from tenant_apps.orders.views import storefront

urlpatterns = [path("events/<slug:slug>/", storefront.event, name="storefront-event")]
