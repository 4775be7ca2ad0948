"""Where the caller's cart is found."""

from django.urls import path

from api.v1.cart import views

tenant_urls = [
    path("cart/", views.CartView.as_view(), name="cart"),
    path("cart/hold/", views.HoldView.as_view(), name="cart-hold"),
    path("cart/delivery/", views.DeliveryView.as_view(), name="cart-delivery"),
    path("cart/voucher/", views.VoucherView.as_view(), name="cart-voucher"),
    path("cart/lines/", views.LinesView.as_view(), name="cart-lines"),
    path("cart/lines/<uuid:pk>/", views.LineView.as_view(), name="cart-line"),
]
