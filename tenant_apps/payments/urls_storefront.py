"""Ordering a cart, and a buyer's own order."""

from django.urls import path

from tenant_apps.payments.views import checkout, storefront

urlpatterns = [
    path("checkout/", checkout.checkout, name="storefront-checkout"),
    path("orders/<str:code>/<str:secret>/thanks/", checkout.thanks, name="storefront-thanks"),
    path("orders/<str:code>/<str:secret>/", storefront.order, name="storefront-order"),
    path("orders/<str:code>/<str:secret>/pay/", storefront.pay, name="storefront-pay"),
    path("orders/<str:code>/<str:secret>/pay/back/", storefront.back, name="storefront-pay-back"),
    path("orders/<str:code>/<str:secret>/cancel/", storefront.cancel, name="storefront-cancel"),
    path("orders/<str:code>/<str:secret>/lines/<uuid:pk>/", storefront.line, name="storefront-line"),
    path(
        "orders/<str:code>/<str:secret>/lines/<uuid:pk>/cancel/", storefront.cancel_line, name="storefront-line-cancel"
    ),
    path(
        "orders/<str:code>/<str:secret>/tickets/<uuid:ticket>.png", storefront.ticket_png, name="storefront-ticket-png"
    ),
]
