"""The staff's pages about orders."""

from django.urls import path

from tenant_apps.orders.views import dashboard, goods, invoices, ticket_desk, tickets, voucher_uses, waiting

urlpatterns = [
    path("orders/", dashboard.orders, name="dashboard-orders"),
    path("orders.csv", dashboard.orders_csv, name="dashboard-orders-csv"),
    path("bulk-orders/", goods.many, name="dashboard-orders-bulk"),
    path("pick-list/", goods.pick_list, name="dashboard-pick-list"),
    path("pick-list.csv", goods.pick_list_csv, name="dashboard-pick-list-csv"),
    path("pick-list.pdf", goods.pick_list_pdf, name="dashboard-pick-list-pdf"),
    path("orders/<slug:code>/goods/<slug:step>/", goods.step, name="dashboard-order-goods"),
    path("orders/<slug:code>/", dashboard.order, name="dashboard-order"),
    path("tickets/<uuid:pk>/", ticket_desk.ticket, name="dashboard-ticket"),
    path("tickets/<uuid:pk>/<slug:act>/", ticket_desk.change, name="dashboard-ticket-act"),
    path("orders/<slug:code>/tickets.pdf", tickets.for_staff, name="dashboard-order-tickets"),
    path("vouchers/<slug:code>/uses/", voucher_uses.voucher_uses, name="dashboard-voucher-uses"),
    path("events/<slug:slug>/waiting-list/", waiting.entries, name="dashboard-event-waiting"),
    path("events/<slug:slug>/waiting-list/<uuid:pk>/offer/", waiting.offer_now, name="dashboard-waiting-offer"),
    path("events/<slug:slug>/waiting-list/<uuid:pk>/remove/", waiting.remove, name="dashboard-waiting-remove"),
    path("orders/<slug:code>/invoice/", invoices.issue, name="dashboard-order-invoice"),
    path("orders/<slug:code>/invoices/<uuid:pk>.pdf", invoices.for_staff, name="dashboard-order-paper"),
]
