"""The staff's pages about who works at an event, and about its pictures."""

from django.urls import path

from tenant_apps.events.views import media, people

urlpatterns = [
    path("events/<slug:slug>/media/", media.event_media, name="dashboard-event-media"),
    path("events/<slug:slug>/people/", people.people, name="dashboard-event-people"),
    path("events/<slug:slug>/people/<int:pk>/remove/", people.remove, name="dashboard-event-people-remove"),
]
