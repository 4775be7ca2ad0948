"""Where a buyer chooses."""

from django.urls import path

from tenant_apps.orders.views import cart, invoices, storefront

urlpatterns = [
    path("events/<slug:slug>/", storefront.event, name="storefront-event"),
    path("products/<slug:slug>/add/", cart.add_goods, name="storefront-add-goods"),
    path("cart/", cart.cart, name="storefront-cart"),
    path("cart/lines/<uuid:pk>/", cart.line, name="storefront-cart-line"),
    path("cart/hold/", cart.hold, name="storefront-cart-hold"),
    path("cart/empty/", cart.empty, name="storefront-cart-empty"),
    path("orders/<str:code>/<str:secret>/invoice.pdf", invoices.mine, name="storefront-invoice"),
    path("orders/<str:code>/<str:secret>/invoice/", invoices.ask, name="storefront-invoice-ask"),
]
