"""Events over HTTP: what anyone sees, and what staff do."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.kept import kept
from api.pagination import Pages
from api.permissions import ANYONE, require
from api.scoping import EventScoped
from api.v1.events.filters import PUBLIC_PARAMETERS, EventFilter, chosen, narrowed
from api.v1.events.presentation import event_json, events_json
from api.v1.events.seats import set_seats
from api.v1.events.serializers import CancelInput, DuplicateInput, EventInput, EventSerializer, PostponeInput
from api.views import APIView
from shared_apps.core.errors import Forbidden
from tenant_apps.events import services
from tenant_apps.events.models import Event
from tenant_apps.staff.permissions import allowed
from tenant_apps.ticketing.facets import facets
from tenant_apps.ticketing.querysets import with_ticket_types
from tenant_apps.ticketing.services import duplicate_event
from tenants.context import current_tenant

_PARAMETERS = [
    OpenApiParameter(name, str, description=str(each.extra.get("help_text", "")))
    for name, each in EventFilter.base_filters.items()
] + [
    OpenApiParameter("near", str, description="latitude,longitude in degrees: events at venues around that point."),
    OpenApiParameter("radius_km", float, description="How far around the point; 25 unless given."),
    OpenApiParameter("facets", int, description="1: with `facets`, the choices of each filter and their counts."),
    OpenApiParameter(
        "ordering",
        str,
        description="starts_at, price, rating, created_at, title, or distance beside near; with - for descending. "
        "What has no price or rating comes last either way.",
    ),
    OpenApiParameter("modified_since", str),
    OpenApiParameter("page", int),
    OpenApiParameter("page_size", int),
]


def facets_json(request: Request) -> dict[str, Any]:
    """The counts beside the filters; one statement."""

    def without(filters: Collection[str]) -> Any:
        return chosen(request, Event.objects.visible_to(request.user), but=filters)

    found = facets(without, request.query_params.keys(), current_tenant().timezone)
    return {
        name: [{"value": each.value, "label": each.label, "count": each.events} for each in values]
        for name, values in found.items()
    }


def shown(event: Event, user: Any) -> dict[str, Any]:
    """The event as the caller sees it now: whoever may change it sees its hidden ticket types too."""
    fresh = with_ticket_types(Event.objects.for_show(), hidden=True).get(pk=event.pk)
    return event_json(fresh, hidden=_may_change(user, fresh))


def _may_change(user: Any, event: Event) -> bool:
    return user.is_authenticated and allowed(user, "change_event", event)


class EventsView(APIView):
    """What is on, for anyone; drafts and archived ones for staff who may see them."""

    permissions = {"get": ANYONE, "post": "change_event"}
    parameters = PUBLIC_PARAMETERS

    @extend_schema(operation_id="events_list", parameters=_PARAMETERS, responses=EventSerializer(many=True))
    @kept
    @etagged()
    def get(self, request: Request) -> Response:
        pages = Pages()
        events = narrowed(request, Event.objects.visible_to(request.user))
        page: list[Any] = pages.paginate_queryset(with_ticket_types(events.for_show()), request, view=self) or []
        response = pages.get_paginated_response(events_json(page))
        if request.query_params.get("facets") == "1":
            response.data["facets"] = facets_json(request)
        return response

    @extend_schema(operation_id="events_create", request=EventInput, responses={201: EventSerializer})
    def post(self, request: Request) -> Response:
        wanted = EventInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields, places = wanted.split()
        with transaction.atomic():
            event = services.create_event(actor=request.user, **fields)
            if places is not None:
                set_seats(event, places, actor=request.user)
        return Response(shown(event, request.user), status=201, headers={"Location": f"/api/v1/events/{event.slug}/"})


class EventView(EventScoped, APIView):
    """One event, by its slug or id."""

    permissions = {"get": ANYONE, "put": "change_event", "patch": "change_event", "delete": "change_event"}
    parameters = frozenset()

    def events(self) -> Any:
        return with_ticket_types(Event.objects.for_show(), hidden=True)

    @extend_schema(operation_id="events_retrieve", responses=EventSerializer)
    @kept
    @etagged()
    def get(self, request: Request, event: str) -> Response:
        return Response(event_json(self.event, hidden=_may_change(request.user, self.event)))

    @extend_schema(operation_id="events_replace", request=EventInput, responses=EventSerializer)
    def put(self, request: Request, event: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(operation_id="events_update", request=EventInput(partial=True), responses=EventSerializer)
    def patch(self, request: Request, event: str) -> Response:
        return self._change(request, partial=True)

    @extend_schema(operation_id="events_delete", responses={204: None})
    def delete(self, request: Request, event: str) -> Response:
        services.delete_event(self.event, actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, *, partial: bool) -> Response:
        wanted = EventInput(data=request.data, partial=partial)
        wanted.is_valid(raise_exception=True)
        fields, places = wanted.split()
        with transaction.atomic():
            event = services.update_event(self.event, actor=request.user, **fields)
            if places is not None:
                set_seats(event, places, actor=request.user)
        return Response(shown(event, request.user))


class _Move(EventScoped, APIView):
    """A step in the event's life; making it again changes nothing."""

    permissions = {"post": "change_event"}


class PublishView(_Move):
    @extend_schema(operation_id="events_publish", request=None, responses=EventSerializer)
    def post(self, request: Request, event: str) -> Response:
        return Response(shown(services.publish(self.event, actor=request.user), request.user))


class CancelView(_Move):
    @extend_schema(operation_id="events_cancel", request=CancelInput, responses=EventSerializer)
    def post(self, request: Request, event: str) -> Response:
        found = self.event
        wanted = CancelInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        may, refund = allowed(request.user, "refund_orders", found), wanted.validated_data["refund"]
        if refund and not may:
            raise Forbidden
        cancelled = services.cancel(
            found,
            actor=request.user,
            refund=may if refund is None else refund,
            reason=wanted.validated_data["reason"],
        )
        return Response(shown(cancelled, request.user))


class ArchiveView(_Move):
    @extend_schema(operation_id="events_archive", request=None, responses=EventSerializer)
    def post(self, request: Request, event: str) -> Response:
        return Response(shown(services.archive(self.event, actor=request.user), request.user))


class PostponeView(_Move):
    @extend_schema(operation_id="events_postpone", request=PostponeInput, responses=EventSerializer)
    def post(self, request: Request, event: str) -> Response:
        wanted = PostponeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        moved = services.postpone(self.event, actor=request.user, **wanted.validated_data)
        return Response(shown(moved, request.user))


class DuplicateView(_Move):
    """Makes a draft like the event with its ticket types and quotas, so it needs the right in the whole tenant."""

    scope = "tenant"

    @extend_schema(operation_id="events_duplicate", request=DuplicateInput, responses={201: EventSerializer})
    def post(self, request: Request, event: str) -> Response:
        require(request, ("change_event",))
        wanted = DuplicateInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        copy = duplicate_event(self.event, actor=request.user, **wanted.validated_data)
        return Response(shown(copy, request.user), status=201, headers={"Location": f"/api/v1/events/{copy.slug}/"})
