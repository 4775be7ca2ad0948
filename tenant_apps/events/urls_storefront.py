"""Pages for people who are invited to work here."""

from django.urls import path

from tenant_apps.events.views.invitation import InvitationView

urlpatterns = [path("invitations/<str:token>/", InvitationView.as_view(), name="invitation")]
