"""The staff's pages about events."""

from django.urls import path

from tenant_apps.ticketing.views import codes, dashboard, scanner, season, types

urlpatterns = [
    path("scan-conflicts/", scanner.conflicts, name="dashboard-scan-conflicts"),
    path("events/", dashboard.events, name="dashboard-events"),
    path("new-event/", dashboard.new_event, name="dashboard-event-new"),
    path("events/<slug:slug>/edit/", dashboard.edit_event, name="dashboard-event-edit"),
    path("series/", season.all_series, name="dashboard-series"),
    path("series/<slug:slug>/", season.one_series, name="dashboard-series-one"),
    path("bulk-events/", season.bulk, name="dashboard-events-bulk"),
    path("events/<slug:slug>/repeat/", season.repeat, name="dashboard-event-repeat"),
    path("events/<slug:slug>/duplicate/", season.duplicate, name="dashboard-event-duplicate"),
    path("events/<slug:slug>/postpone/", season.postpone, name="dashboard-event-postpone"),
    path("events/<slug:slug>/quick/", season.quick, name="dashboard-event-quick"),
    path("events/<slug:slug>/tickets/", types.tickets, name="dashboard-event-tickets"),
    path("events/<slug:slug>/tickets/new/", types.new_type, name="dashboard-ticket-type-new"),
    path("events/<slug:slug>/tickets/<int:pk>/", types.edit_type, name="dashboard-ticket-type"),
    path("events/<slug:slug>/tickets/<int:pk>/delete/", types.delete_type, name="dashboard-ticket-type-delete"),
    path("events/<slug:slug>/quotas/new/", types.save_quota, name="dashboard-quota-new"),
    path("events/<slug:slug>/quotas/<int:pk>/", types.save_quota, name="dashboard-quota"),
    path("events/<slug:slug>/quotas/<int:pk>/delete/", types.delete_quota, name="dashboard-quota-delete"),
    path("events/<slug:slug>/codes/", codes.keys, name="dashboard-event-codes"),
    path("events/<slug:slug>/codes/new-key/", codes.rotate, name="dashboard-event-key-new"),
    path("events/<slug:slug>/codes/<str:key_id>/revoke/", codes.revoke, name="dashboard-event-key-revoke"),
    path("events/<slug:slug>/<slug:move>/", dashboard.move_event, name="dashboard-event-move"),
]
