"""The staff's pages about events."""

from django.urls import path

from tenant_apps.ticketing.views import board, dashboard, entrances, season, types

urlpatterns = [
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
    path("events/<slug:slug>/check-in/", entrances.lists, name="dashboard-check-in"),
    path("events/<slug:slug>/check-in/new/", entrances.new_list, name="dashboard-check-in-new"),
    path("events/<slug:slug>/check-in/<int:pk>/", entrances.edit_list, name="dashboard-check-in-list"),
    path("events/<slug:slug>/check-in/<int:pk>/delete/", entrances.delete_list, name="dashboard-check-in-delete"),
    path("events/<slug:slug>/check-in/<int:pk>/board/", board.board, name="dashboard-check-in-board"),
    path("events/<slug:slug>/check-in/<int:pk>/board/now/", board.board_now, name="dashboard-check-in-now"),
    path("events/<slug:slug>/check-in/<int:pk>/board/stream/", board.board_stream, name="dashboard-check-in-stream"),
    path("events/<slug:slug>/check-in/<int:pk>/search/", board.search, name="dashboard-check-in-search"),
    path("events/<slug:slug>/check-in/<int:pk>/by-hand/", board.by_hand, name="dashboard-check-in-by-hand"),
    path("events/<slug:slug>/check-in/<int:pk>/undo/", board.undo, name="dashboard-check-in-undo"),
    path("events/<slug:slug>/check-in/history/", board.scans, name="dashboard-check-in-history"),
    path("events/<slug:slug>/check-in/history.csv", board.scans_csv, name="dashboard-check-in-csv"),
    path("events/<slug:slug>/check-in-zones/new/", entrances.save_zone, name="dashboard-zone-new"),
    path("events/<slug:slug>/check-in-zones/<int:pk>/", entrances.save_zone, name="dashboard-zone"),
    path("events/<slug:slug>/check-in-zones/<int:pk>/delete/", entrances.delete_zone, name="dashboard-zone-delete"),
    path("events/<slug:slug>/check-in-zones/<int:pk>/empty/", entrances.empty_zone, name="dashboard-zone-empty"),
    path("events/<slug:slug>/<slug:move>/", dashboard.move_event, name="dashboard-event-move"),
]
