"""Pages for people who are invited to work here, and the files of pictures."""

from django.urls import path

from tenant_apps.events.views import media
from tenant_apps.events.views.invitation import InvitationView

urlpatterns = [
    path("invitations/<str:token>/", InvitationView.as_view(), name="invitation"),
    path("media/events/<str:file>", media.file, name="event-media-file"),
]
