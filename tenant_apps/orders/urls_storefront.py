"""Where a buyer orders, and finds their orders again."""

from django.urls import path

from tenant_apps.orders.views import buyer, cart, invoices, passing, storefront, tickets, waiting

urlpatterns = [
    path("events/<slug:slug>/", storefront.event, name="storefront-event"),
    path("products/<slug:slug>/add/", cart.add_goods, name="storefront-add-goods"),
    path("cart/", cart.cart, name="storefront-cart"),
    path("cart/lines/<uuid:pk>/", cart.line, name="storefront-cart-line"),
    path("cart/hold/", cart.hold, name="storefront-cart-hold"),
    path("cart/voucher/", cart.voucher, name="storefront-cart-voucher"),
    path("cart/empty/", cart.empty, name="storefront-cart-empty"),
    path("orders/", buyer.orders, name="my-orders"),
    path("orders/claim/", buyer.claim, name="my-orders-claim"),
    path("orders/<str:code>/", buyer.order, name="my-order"),
    path("orders/<str:code>/<str:secret>/invoice.pdf", invoices.mine, name="storefront-invoice"),
    path("orders/<str:code>/<str:secret>/invoice/", invoices.ask, name="storefront-invoice-ask"),
    path(
        "orders/<str:code>/<str:secret>/lines/<uuid:pk>/transfer/",
        passing.buyer_transfer,
        name="storefront-line-transfer",
    ),
    path(
        "orders/<str:code>/<str:secret>/lines/<uuid:pk>/new-code/",
        passing.buyer_new_code,
        name="storefront-line-new-code",
    ),
    path("tickets/<uuid:pk>/<str:secret>/", passing.holder, name="holder-ticket"),
    path("tickets/<uuid:pk>/<str:secret>/code.png", passing.holder_png, name="holder-ticket-png"),
    path("tickets/<uuid:pk>/<str:secret>/ticket.pdf", tickets.holder_pdf, name="holder-ticket-pdf"),
    path("tickets/<uuid:pk>/<str:secret>/calendar.ics", tickets.holder_calendar, name="holder-ticket-calendar"),
    path("tickets/<uuid:pk>/<str:secret>/name/", passing.holder_rename, name="holder-rename"),
    path("tickets/<uuid:pk>/<str:secret>/transfer/", passing.holder_transfer, name="holder-transfer"),
    path("tickets/<uuid:pk>/<str:secret>/new-code/", passing.holder_new_code, name="holder-new-code"),
    path("orders/<str:code>/<str:secret>/tickets.pdf", tickets.order_pdf, name="storefront-tickets-pdf"),
    path("orders/<str:code>/<str:secret>/calendar.ics", tickets.order_calendar, name="storefront-order-calendar"),
    path("orders/<str:code>/<str:secret>/tickets/<uuid:ticket>/", tickets.ticket_page, name="storefront-ticket"),
    path("orders/<str:code>/<str:secret>/tickets/<uuid:ticket>.pdf", tickets.ticket_pdf, name="storefront-ticket-pdf"),
    path("account/addresses/", buyer.saved_addresses, name="my-addresses"),
    path("account/addresses/<int:pk>/", buyer.saved_address, name="my-address"),
    path("events/<slug:slug>/waiting-list/", waiting.join, name="storefront-waiting"),
    path("waiting-list/<str:secret>/", waiting.entry, name="waiting-list-entry"),
]
