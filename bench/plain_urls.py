"""What public reads are compared with: the plainest Django views, one indexed query and a JsonResponse each.

No tenancy, no middleware; the same server, the same database, the rows of the tenant's own events.
"""

from django.db import models
from django.http import HttpRequest, JsonResponse
from django.urls import path


class Event(models.Model):
    """The table of events as far as the plain views read it; it lies in the search path of their connection."""

    slug = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=10)
    starts_at = models.DateTimeField()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "events_event"

    def __str__(self) -> str:
        return self.title


COLUMNS = ("id", "slug", "title", "status", "starts_at")


def one(request: HttpRequest, slug: str) -> JsonResponse:
    """By an indexed column, one row."""
    return JsonResponse(Event.objects.values(*COLUMNS).get(slug=slug))


def fifty(request: HttpRequest) -> JsonResponse:
    """Fifty rows by the primary key's index: told beside, for scale."""
    return JsonResponse({"results": list(Event.objects.order_by("pk").values(*COLUMNS)[:50])})


urlpatterns = [path("one/<str:slug>/", one), path("fifty/", fifty)]
