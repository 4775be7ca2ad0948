"""Where staff, roles, invitations, grants and API keys are found."""

from django.urls import path

from api.v1.staff import invitations, keys, roles, views

tenant_urls = [
    path("staff/", views.StaffView.as_view(), name="staff"),
    path("staff/<int:pk>/", views.MemberView.as_view(), name="staff-member"),
    path("staff/<int:pk>/make-owner/", views.HandOverView.as_view(), name="staff-make-owner"),
    path("staff/invitations/", invitations.InvitationsView.as_view(), name="invitations"),
    path("staff/invitations/accept/", invitations.AcceptView.as_view(), name="invitation-accept"),
    path("staff/invitations/<int:pk>/", invitations.InvitationView.as_view(), name="invitation"),
    path("staff/invitations/<int:pk>/resend/", invitations.ResendView.as_view(), name="invitation-resend"),
    path("roles/", roles.RolesView.as_view(), name="roles"),
    path("roles/<int:pk>/", roles.RoleView.as_view(), name="role"),
    path("api-keys/", keys.ApiKeysView.as_view(), name="api-keys"),
    path("api-keys/<int:pk>/", keys.ApiKeyView.as_view(), name="api-key"),
    path("events/<str:event>/grants/", views.GrantsView.as_view(), name="grants"),
    path("events/<str:event>/grants/<int:pk>/", views.GrantView.as_view(), name="grant"),
]
