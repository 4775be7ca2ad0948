"""Series over HTTP: one set-up, many dates. Read by anyone as far as dates are public; written by staff."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.pagination import Pages
from api.permissions import ANYONE
from api.scoping import by_slug_or_id
from api.v1.events.presentation import events_json
from api.v1.events.serializers import EventInput, EventSerializer
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.events.models import Event, EventSeries
from tenant_apps.events.querysets import PUBLIC
from tenant_apps.events.recurrence import MOST_DATES
from tenant_apps.ticketing import series as services
from tenant_apps.ticketing.querysets import with_ticket_types


class _Rule(serializers.Serializer[Any]):
    rule = serializers.CharField(max_length=500, required=False, allow_blank=True)
    rdates = serializers.ListField(child=serializers.CharField(max_length=25), required=False, max_length=MOST_DATES)
    exdates = serializers.ListField(child=serializers.CharField(max_length=25), required=False, max_length=MOST_DATES)


class SeriesInput(_Rule):
    """`event` is what comes again: it is copied with all it sells. `preview` answers the dates and makes nothing."""

    event = serializers.CharField(max_length=80)
    title = serializers.CharField(max_length=200, required=False)
    publish = serializers.BooleanField(required=False, default=False)
    preview = serializers.BooleanField(required=False, default=False)


class SeriesChange(_Rule):
    """Without `leave_sold`, a date with orders that the rule no longer gives refuses the change."""

    title = serializers.CharField(max_length=200, required=False)
    publish = serializers.BooleanField(required=False, default=False)
    leave_sold = serializers.BooleanField(required=False, default=False)


class DatesChange(EventInput):
    """What is changed, as for one event; for this date, this and the following ones, or all."""

    event = serializers.CharField(max_length=80)
    scope = serializers.ChoiceField(["this", "following", "all"])
    leave_sold = serializers.BooleanField(required=False, default=False)


class DateSerializer(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField(source="at")
    local = serializers.DateTimeField(source="wall", format="%Y-%m-%dT%H:%M:%S", default_timezone=None)


class SeriesSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    timezone = serializers.CharField()
    rule = serializers.CharField()
    rdates = serializers.ListField(child=serializers.CharField())
    exdates = serializers.ListField(child=serializers.CharField())
    dates = serializers.IntegerField(help_text="How many of its dates are public.")


class ChangedDatesSerializer(serializers.Serializer[Any]):
    changed = serializers.ListField(child=serializers.CharField())
    left = serializers.ListField(child=serializers.CharField(), help_text="Sold, so left where they are.")


class PreviewSerializer(serializers.Serializer[Any]):
    dates = DateSerializer(many=True)


def series_json(series: Any) -> dict[str, Any]:
    """One series, loaded by `_shown`."""
    names = ("slug", "title", "timezone", "rule", "rdates", "exdates")
    return {"id": series.pk, **{name: getattr(series, name) for name in names}, "dates": series.public_dates}


def _shown(request: Request) -> Any:
    """The series that the caller may see: those with a date that they may see."""
    mine = Event.objects.visible_to(request.user).filter(series=OuterRef("pk"))
    public = Count("dates", filter=Q(dates__status__in=PUBLIC))
    return EventSeries.objects.filter(Exists(mine)).annotate(public_dates=public)


def _one(request: Request, slug: str) -> Any:
    series = _shown(request).filter(by_slug_or_id(slug)).first()
    if series is None:
        raise NotFound
    return series


def _event(name: str, **where: Any) -> Event:
    event = Event.objects.filter(by_slug_or_id(name), **where).first()
    if event is None:
        raise InvalidInput(errors=[FieldError("event", "does_not_exist", _("There is no such event."))])
    return event


def _split(data: dict[str, Any], *names: str) -> list[Any]:
    return [data.pop(name) for name in names]


class SeriesListView(APIView):
    permissions = {"get": ANYONE, "post": "change_event"}
    parameters = frozenset()

    @extend_schema(operation_id="series_list", responses=SeriesSerializer(many=True))
    @etagged()
    def get(self, request: Request) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(_shown(request).order_by("title", "pk"), request, view=self) or []
        return pages.get_paginated_response([series_json(each) for each in page])

    @extend_schema(
        operation_id="series_create", request=SeriesInput, responses={200: PreviewSerializer, 201: SeriesSerializer}
    )
    def post(self, request: Request) -> Response:
        wanted = SeriesInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = dict(wanted.validated_data)
        name, only_preview, publish = _split(data, "event", "preview", "publish")
        event = _event(name)
        if only_preview:
            data.pop("title", None)
            return Response({"dates": DateSerializer(services.preview(event, **data), many=True).data})
        series = services.create_series(event, actor=request.user, publish=publish, **data)
        return Response(series_json(_one(request, series.slug)), status=201)


class SeriesView(APIView):
    permissions = {"get": ANYONE, "patch": "change_event", "delete": "change_event"}
    parameters = frozenset()

    @extend_schema(operation_id="series_retrieve", responses=SeriesSerializer)
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        return Response(series_json(_one(request, slug)))

    @extend_schema(operation_id="series_update", request=SeriesChange(partial=True), responses=SeriesSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        series = _one(request, slug)
        wanted = SeriesChange(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.change_series(series, actor=request.user, **wanted.validated_data)
        return Response(series_json(_one(request, series.slug)))

    @extend_schema(operation_id="series_delete", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        services.delete_series(_one(request, slug), actor=request.user)
        return Response(status=204)


class SeriesDatesView(APIView):
    """The dates, each an event; changed one, from one on, or all at once."""

    permissions = {"get": ANYONE, "patch": "change_event"}
    parameters = frozenset()

    @extend_schema(operation_id="series_dates_list", responses=EventSerializer(many=True))
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        dates = Event.objects.visible_to(request.user).filter(series=_one(request, slug)).order_by("starts_at", "pk")
        page: list[Any] = pages.paginate_queryset(with_ticket_types(dates.for_show()), request, view=self) or []
        return pages.get_paginated_response(events_json(page))

    @extend_schema(operation_id="series_dates_change", request=DatesChange, responses=ChangedDatesSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        series = _one(request, slug)
        wanted = DatesChange(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        fields = wanted.split()[0]
        missing = [
            FieldError(name, "required", _("This field is required."))
            for name in ("event", "scope")
            if name not in fields
        ]
        if missing:
            raise InvalidInput(errors=missing)
        name, scope = _split(fields, "event", "scope")
        leave_sold = fields.pop("leave_sold", False)
        done = services.change_dates(
            _event(name, series=series), scope, actor=request.user, leave_sold=leave_sold, **fields
        )
        return Response({name: [date.slug for date in getattr(done, name)] for name in ("changed", "left")})
