"""The staff's pages about who works at an event, its details, its pictures, and the words that events are sorted by."""

from django.urls import path

from tenant_apps.events.views import details, media, people, taxonomy

KINDS = ("program", "bring", "questions")
WORDS = ("categories", "tags", "venues")

urlpatterns = [
    path("venues/merge/", taxonomy.merge, name="dashboard-venues-merge"),
    *(path(f"{kind}/", taxonomy.rows, {"kind": kind}, name="dashboard-words") for kind in WORDS),
    *(path(f"{kind}/<slug:slug>/", taxonomy.row, {"kind": kind}, name="dashboard-word") for kind in WORDS),
    *(
        path(f"events/<slug:slug>/{kind}/", details.rows, {"kind": kind}, name="dashboard-event-details")
        for kind in KINDS
    ),
    *(
        path(f"events/<slug:slug>/{kind}/<int:pk>/", details.row, {"kind": kind}, name="dashboard-event-detail")
        for kind in KINDS
    ),
    path("events/<slug:slug>/media/", media.event_media, name="dashboard-event-media"),
    path("events/<slug:slug>/people/", people.people, name="dashboard-event-people"),
    path("events/<slug:slug>/people/<int:pk>/remove/", people.remove, name="dashboard-event-people-remove"),
]
