"""The staff's pages about events."""

from django.urls import path

from tenant_apps.ticketing.views import dashboard, types

urlpatterns = [
    path("events/", dashboard.events, name="dashboard-events"),
    path("new-event/", dashboard.new_event, name="dashboard-event-new"),
    path("events/<slug:slug>/edit/", dashboard.edit_event, name="dashboard-event-edit"),
    path("events/<slug:slug>/tickets/", types.tickets, name="dashboard-event-tickets"),
    path("events/<slug:slug>/tickets/new/", types.new_type, name="dashboard-ticket-type-new"),
    path("events/<slug:slug>/tickets/<int:pk>/", types.edit_type, name="dashboard-ticket-type"),
    path("events/<slug:slug>/tickets/<int:pk>/delete/", types.delete_type, name="dashboard-ticket-type-delete"),
    path("events/<slug:slug>/quotas/new/", types.save_quota, name="dashboard-quota-new"),
    path("events/<slug:slug>/quotas/<int:pk>/", types.save_quota, name="dashboard-quota"),
    path("events/<slug:slug>/quotas/<int:pk>/delete/", types.delete_quota, name="dashboard-quota-delete"),
    path("events/<slug:slug>/<slug:move>/", dashboard.move_event, name="dashboard-event-move"),
]
