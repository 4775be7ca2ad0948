"""Where tickets and doors are found."""

from django.urls import path

from api.v1.ticketing import check_in, entrances, life, offline, scans, views

tenant_urls = [
    path("tickets/<uuid:pk>/", views.TicketView.as_view(), name="ticket"),
    path("tickets/<uuid:pk>/qr.png", views.TicketQrView.as_view(), name="ticket-qr"),
    path("tickets/<uuid:pk>/transfer/", life.TransferView.as_view(), name="ticket-transfer"),
    path("tickets/<uuid:pk>/reissue/", life.ReissueView.as_view(), name="ticket-reissue"),
    path("tickets/<uuid:pk>/resend/", life.TicketResendView.as_view(), name="ticket-resend"),
    path("tickets/<uuid:pk>/revoke/", life.RevokeView.as_view(), name="ticket-revoke"),
    path("tickets/<uuid:pk>/reinstate/", life.ReinstateView.as_view(), name="ticket-reinstate"),
    path("tickets/<uuid:pk>/history/", life.TicketHistoryView.as_view(), name="ticket-history"),
    path("events/<str:event>/keys/", life.EventKeysView.as_view(), name="event-keys"),
    path("events/<str:event>/keys/<str:key_id>/revoke/", life.EventKeyRevokeView.as_view(), name="event-key-revoke"),
    path("events/<str:event>/revocations/", life.RevocationsView.as_view(), name="event-revocations"),
    path("tickets/<uuid:pk>/ticket.pdf", views.TicketPdfView.as_view(), name="ticket-pdf"),
    path("events/<str:event>/check-in-lists/", check_in.CheckInListsView.as_view(), name="check-in-lists"),
    path("events/<str:event>/check-in-lists/<int:pk>/", check_in.CheckInListView.as_view(), name="check-in-list"),
    path("check-in-lists/<int:pk>/status/", check_in.ListStatusView.as_view(), name="check-in-list-status"),
    path("check-in-lists/<int:pk>/tickets/", offline.ListTicketsView.as_view(), name="check-in-list-tickets"),
    path("check-in-lists/<int:pk>/conflicts/", offline.ListConflictsView.as_view(), name="scan-conflicts"),
    path(
        "check-in-lists/<int:pk>/conflicts/<path:scan_id>/seen/",
        offline.ConflictSeenView.as_view(),
        name="scan-conflict-seen",
    ),
    path("check-in-lists/<int:pk>/scan/", scans.ScanView.as_view(), name="scan"),
    path("check-in-lists/<int:pk>/scans/", scans.ScansView.as_view(), name="scans"),
    path("check-in-lists/<int:pk>/scans/<path:scan_id>/undo/", check_in.UndoView.as_view(), name="scan-undo"),
    path("events/<str:event>/check-in-zones/", entrances.ZonesView.as_view(), name="check-in-zones"),
    path("events/<str:event>/check-in-zones/<int:pk>/", entrances.ZoneView.as_view(), name="check-in-zone"),
    path(
        "events/<str:event>/check-in-zones/<int:pk>/empty/",
        entrances.ZoneEmptyView.as_view(),
        name="check-in-zone-empty",
    ),
    path("check-in-lists/<int:pk>/search/", entrances.SearchView.as_view(), name="check-in-search"),
    path("check-in-lists/<int:pk>/by-hand/", entrances.ByHandView.as_view(), name="check-in-by-hand"),
    path("check-in-lists/<int:pk>/check-ins/", entrances.CheckInsView.as_view(), name="check-ins"),
]
