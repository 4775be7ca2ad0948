"""The staff's page of an event's reminders."""

from django.urls import path

from tenant_apps.notifications import reminder_pages

urlpatterns = [
    path("events/<slug:slug>/reminders/", reminder_pages.reminders, name="dashboard-event-reminders"),
]
