"""Where a buyer orders."""

from django.urls import path

from tenant_apps.orders.views import invoices, storefront, waiting

urlpatterns = [
    path("events/<slug:slug>/", storefront.event, name="storefront-event"),
    path("orders/<str:code>/<str:secret>/invoice.pdf", invoices.mine, name="storefront-invoice"),
    path("orders/<str:code>/<str:secret>/invoice/", invoices.ask, name="storefront-invoice-ask"),
    path("events/<slug:slug>/waiting-list/", waiting.join, name="storefront-waiting"),
    path("waiting-list/<str:secret>/", waiting.entry, name="waiting-list-entry"),
]
