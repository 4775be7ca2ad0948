"""Where staff, roles and grants are found."""

from django.urls import path

from api.v1.staff import views

tenant_urls = [
    path("staff/", views.StaffView.as_view(), name="staff"),
    path("staff/<int:pk>/", views.MemberView.as_view(), name="staff-member"),
    path("roles/", views.RolesView.as_view(), name="roles"),
    path("events/<str:event>/grants/", views.GrantsView.as_view(), name="grants"),
    path("events/<str:event>/grants/<int:pk>/", views.GrantView.as_view(), name="grant"),
]
