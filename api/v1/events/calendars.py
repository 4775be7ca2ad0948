"""Events as calendar files that phones and programs follow."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from api.conditional import etagged
from api.kept import kept
from api.permissions import ANYONE
from api.scoping import EventScoped, by_slug_or_id
from api.v1.events.filters import PUBLIC_PARAMETERS, EventFilter, chosen
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.events.calendars import CONTENT_TYPE, calendar
from tenant_apps.events.models import Event, EventSeries

MOST_ENTRIES = 1000
_FILE = {(200, "text/calendar"): OpenApiTypes.BINARY}
_PARAMETERS = [
    OpenApiParameter(name, str, description=str(each.extra.get("help_text", "")))
    for name, each in EventFilter.base_filters.items()
]


def file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}.ics"'
    return response


class EventCalendarView(EventScoped, APIView):
    """One event, for somebody's own calendar."""

    permissions = {"get": ANYONE}
    parameters = frozenset()

    def events(self) -> Any:
        return Event.objects.select_related("venue", "category").defer("search", "letters")

    @extend_schema(operation_id="event_calendar", responses=_FILE)
    @kept
    @etagged()
    def get(self, request: Request, event: str) -> HttpResponse:
        return file(calendar([self.event], name=self.event.title), self.event.slug)


class SeriesCalendarView(APIView):
    """The dates of one series that anyone may see: a feed to subscribe to, in which new dates appear."""

    permissions = {"get": ANYONE}
    parameters = frozenset()

    @extend_schema(operation_id="series_calendar", responses=_FILE)
    @kept
    @etagged()
    def get(self, request: Request, slug: str) -> HttpResponse:
        dates = Event.objects.public().filter(series__in=EventSeries.objects.filter(by_slug_or_id(slug)))
        latest = list(dates.select_related("venue", "category", "series").order_by("-starts_at", "-pk")[:MOST_ENTRIES])
        if not latest:
            # One without a public date is nobody's to know of.
            raise NotFound
        return file(calendar(reversed(latest), name=latest[0].series.title), slug)


class CalendarView(APIView):
    """All events, or those that the filters of the list leave: a feed to subscribe to.

    What was called off is in it, marked so. At most a thousand entries, the latest ones.
    """

    permissions = {"get": ANYONE}
    parameters = PUBLIC_PARAMETERS - {"facets"}

    @extend_schema(operation_id="calendar", parameters=_PARAMETERS, responses=_FILE)
    @kept
    @etagged()
    def get(self, request: Request) -> HttpResponse:
        # For everybody, whoever asks: what is drafted belongs in no calendar.
        events = chosen(request, Event.objects.public()).select_related("venue", "category").defer("search", "letters")
        latest = list(events.order_by("-starts_at", "-pk")[:MOST_ENTRIES])
        return file(calendar(reversed(latest)), "calendar")
