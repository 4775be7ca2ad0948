"""A person's own tickets, beside the other pages of their account."""

from django.urls import path

from tenant_apps.orders.views import mine, my_ticket

urlpatterns = [
    path("account/tickets/", mine.tickets, name="my-tickets"),
    path("account/tickets/worker.js", my_ticket.worker, name="my-tickets-worker"),
    path("account/tickets/<slug:tenant>/<uuid:ticket>/", my_ticket.page, name="my-ticket"),
    path("account/tickets/<slug:tenant>/<uuid:ticket>.pdf", my_ticket.pdf, name="my-ticket-pdf"),
    path("account/tickets/<slug:tenant>/<uuid:ticket>.ics", my_ticket.calendar, name="my-ticket-calendar"),
]
