"""me/, profile/, people/ and notification-preferences/, the same on the platform's host and on tenants'."""

from django.urls import path

from api.v1.people import profiles, security_events, views

_everywhere = [
    path("me/", views.MeView.as_view(), name="me"),
    path("me/avatar/", views.AvatarView.as_view(), name="me-avatar"),
    path("me/phone/", views.PhoneView.as_view(), name="me-phone"),
    path("me/orders/", views.MyOrdersView.as_view(), name="me-orders"),
    path("me/tickets/", views.MyTicketsView.as_view(), name="me-tickets"),
    path("me/upcoming-events/", views.MyUpcomingEventsView.as_view(), name="me-upcoming-events"),
    path("me/events/", views.MyEventsView.as_view(), name="me-events"),
    path("me/following/", profiles.FollowedView.as_view(), name="me-following"),
    path("me/blocked/", profiles.BlockedView.as_view(), name="me-blocked"),
    path("profile/", profiles.ProfileView.as_view(), name="profile"),
    path("people/<int:pk>/", profiles.PersonView.as_view(), name="people-detail"),
    path("people/<int:pk>/follow/", profiles.FollowView.as_view(), name="people-follow"),
    path("people/<int:pk>/block/", profiles.BlockView.as_view(), name="people-block"),
    path("people/<int:pk>/report/", profiles.ReportView.as_view(), name="people-report"),
    path("me/export/", views.ExportView.as_view(), name="me-export"),
    path("me/exports/", views.ExportsView.as_view(), name="me-exports"),
    path("me/exports/<uuid:pk>/", views.ExportStateView.as_view(), name="me-export-state"),
    path("me/exports/<uuid:pk>/download/", views.ExportFileView.as_view(), name="me-export-file"),
    path("me/security-events/", security_events.SecurityEventsView.as_view(), name="me-security-events"),
    path("me/erasure/<str:secret>/", views.ErasureView.as_view(), name="me-erasure"),
    path("notification-preferences/", views.WishesView.as_view(), name="notification-preferences"),
]
_operators = [
    path("operators/profile-reports/", profiles.ReportsView.as_view(), name="operators-profile-reports"),
    path(
        "operators/profile-reports/<uuid:pk>/decide/",
        profiles.DecisionView.as_view(),
        name="operators-profile-reports-decide",
    ),
    path("operators/hidden-profiles/<int:pk>/", profiles.HiddenView.as_view(), name="operators-hidden-profiles"),
]
public_urls = [*_everywhere, *_operators]
tenant_urls = _everywhere
