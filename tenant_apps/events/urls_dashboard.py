"""The staff's pages about who works at an event."""

from django.urls import path

from tenant_apps.events.views import people

urlpatterns = [
    path("events/<slug:slug>/people/", people.people, name="dashboard-event-people"),
    path("events/<slug:slug>/people/<int:pk>/remove/", people.remove, name="dashboard-event-people-remove"),
]
