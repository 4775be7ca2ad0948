"""The staff's pages about events."""

from django.urls import path

from tenant_apps.ticketing.views import dashboard

urlpatterns = [
    path("events/", dashboard.events, name="dashboard-events"),
    path("new-event/", dashboard.new_event, name="dashboard-event-new"),
    path("events/<slug:slug>/edit/", dashboard.edit_event, name="dashboard-event-edit"),
    path("events/<slug:slug>/<slug:move>/", dashboard.move_event, name="dashboard-event-move"),
]
