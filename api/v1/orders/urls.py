"""Where orders are found."""

from django.urls import path

from api.v1.orders import addresses, box_office, claims, invoices, lines, shipping, tickets, views, waiting

tenant_urls = [
    path("orders/", views.OrdersView.as_view(), name="orders"),
    path("orders/claim/", claims.ClaimView.as_view(), name="orders-claim"),
    path("orders/<str:code>/", views.OrderView.as_view(), name="order"),
    path("orders/<str:code>/cancel/", views.CancelView.as_view(), name="order-cancel"),
    path("orders/<str:code>/mark-paid/", views.MarkPaidView.as_view(), name="order-mark-paid"),
    path("orders/<str:code>/resend/", views.ResendView.as_view(), name="order-resend"),
    path("orders/<str:code>/refund/", views.RefundView.as_view(), name="order-refund"),
    path("orders/<str:code>/pack/", shipping.PackView.as_view(), name="order-pack"),
    path("orders/<str:code>/ship/", shipping.ShipView.as_view(), name="order-ship"),
    path("orders/<str:code>/deliver/", shipping.DeliverView.as_view(), name="order-deliver"),
    path("orders/<str:code>/return/", shipping.ReturnView.as_view(), name="order-return"),
    path("orders/<str:code>/lines/<uuid:pk>/", lines.LineView.as_view(), name="order-line"),
    path("orders/<str:code>/lines/<uuid:pk>/cancel/", lines.LineCancelView.as_view(), name="order-line-cancel"),
    path("orders/<str:code>/notes/", lines.NotesView.as_view(), name="order-notes"),
    path("orders/<str:code>/notes/<int:pk>/", lines.NoteView.as_view(), name="order-note"),
    path("box-office/orders/", box_office.BoxOfficeView.as_view(), name="box-office"),
    path("addresses/", addresses.AddressesView.as_view(), name="addresses"),
    path("addresses/<int:pk>/", addresses.AddressView.as_view(), name="address"),
    path("orders/<str:code>/invoices/", invoices.InvoicesView.as_view(), name="order-invoices"),
    path("orders/<str:code>/invoice.pdf", invoices.InvoicePdfView.as_view(), name="order-invoice"),
    path("orders/<str:code>/tickets.pdf", tickets.OrderTicketsView.as_view(), name="order-tickets"),
    path("events/<str:event>/orders/", views.EventOrdersView.as_view(), name="event-orders"),
    path("events/<str:event>/waiting-list/", waiting.EventWaitingView.as_view(), name="waiting-list"),
    path(
        "events/<str:event>/waiting-list/<uuid:pk>/",
        waiting.EventWaitingEntryView.as_view(),
        name="waiting-list-entry",
    ),
    path(
        "events/<str:event>/waiting-list/<uuid:pk>/offer/",
        waiting.EventWaitingOfferView.as_view(),
        name="waiting-list-offer",
    ),
    path("waiting-list/<str:token>/", waiting.WaitingEntryView.as_view(), name="waiting-entry"),
    path("waiting-list/<str:token>/order/", waiting.WaitingOrderView.as_view(), name="waiting-order"),
]
