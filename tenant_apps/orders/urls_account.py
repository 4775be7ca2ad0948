"""A person's own tickets and events, beside the other pages of their account; and what they show of themselves."""

from django.urls import path

from tenant_apps.orders.views import mine, my_ticket, person

urlpatterns = [
    path("people/<int:pk>/", person.person, name="person"),
    path("people/<int:pk>/follow/", person.follow, name="person-follow"),
    path("people/<int:pk>/block/", person.block, name="person-block"),
    path("people/<int:pk>/report/", person.report, name="person-report"),
    path("account/profile/", person.profile, name="my-profile"),
    path("account/people/", person.people, name="my-people"),
    path("account/events/", person.events, name="my-events"),
    path("account/tickets/", mine.tickets, name="my-tickets"),
    path("account/tickets/worker.js", my_ticket.worker, name="my-tickets-worker"),
    path("account/tickets/<slug:tenant>/<uuid:ticket>/", my_ticket.page, name="my-ticket"),
    path("account/tickets/<slug:tenant>/<uuid:ticket>.pdf", my_ticket.pdf, name="my-ticket-pdf"),
    path("account/tickets/<slug:tenant>/<uuid:ticket>.ics", my_ticket.calendar, name="my-ticket-calendar"),
]
