"""Where a buyer orders, and finds their orders again."""

from django.urls import path

from tenant_apps.orders.views import buyer, invoices, storefront, waiting

urlpatterns = [
    path("events/<slug:slug>/", storefront.event, name="storefront-event"),
    path("orders/", buyer.orders, name="my-orders"),
    path("orders/claim/", buyer.claim, name="my-orders-claim"),
    path("orders/<str:code>/", buyer.order, name="my-order"),
    path("orders/<str:code>/<str:secret>/invoice.pdf", invoices.mine, name="storefront-invoice"),
    path("orders/<str:code>/<str:secret>/invoice/", invoices.ask, name="storefront-invoice-ask"),
    path("events/<slug:slug>/waiting-list/", waiting.join, name="storefront-waiting"),
    path("waiting-list/<str:secret>/", waiting.entry, name="waiting-list-entry"),
    path("account/addresses/", buyer.saved_addresses, name="my-addresses"),
    path("account/addresses/<int:pk>/", buyer.saved_address, name="my-address"),
]
