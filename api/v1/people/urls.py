"""me/ and notification-preferences/, the same on the platform's host and on tenants'."""

from django.urls import path

from api.v1.people import security_events, views

_everywhere = [
    path("me/", views.MeView.as_view(), name="me"),
    path("me/avatar/", views.AvatarView.as_view(), name="me-avatar"),
    path("me/phone/", views.PhoneView.as_view(), name="me-phone"),
    path("me/orders/", views.MyOrdersView.as_view(), name="me-orders"),
    path("me/tickets/", views.MyTicketsView.as_view(), name="me-tickets"),
    path("me/upcoming-events/", views.MyUpcomingEventsView.as_view(), name="me-upcoming-events"),
    path("me/export/", views.ExportView.as_view(), name="me-export"),
    path("me/exports/", views.ExportsView.as_view(), name="me-exports"),
    path("me/exports/<uuid:pk>/", views.ExportStateView.as_view(), name="me-export-state"),
    path("me/exports/<uuid:pk>/download/", views.ExportFileView.as_view(), name="me-export-file"),
    path("me/security-events/", security_events.SecurityEventsView.as_view(), name="me-security-events"),
    path("me/erasure/<str:secret>/", views.ErasureView.as_view(), name="me-erasure"),
    path("notification-preferences/", views.WishesView.as_view(), name="notification-preferences"),
]
public_urls = _everywhere
tenant_urls = _everywhere
