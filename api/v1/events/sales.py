"""What an event sells, over HTTP: ticket types and quotas below the event, and what is left."""

from typing import Any

from django.db import transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.fields import MoneyField
from api.kept import kept
from api.pagination import Pages
from api.permissions import ANYONE
from api.scoping import EventScoped
from api.v1.events.fields import BIGGEST_INTEGER, TimeInput, row_id
from api.v1.events.presentation import places_left, ticket_type_json
from api.v1.events.serializers import TicketTypeSerializer
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.staff.permissions import allowed
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import Quota, TicketType
from tenant_apps.ticketing.price_tiers import MOST_TIERS, TierWish
from tenant_apps.ticketing.prices import told_stock
from tenant_apps.ticketing.type_fields import MOST_PER_PERSON, MOST_STOCK_SHOWN


class TierInput(serializers.Serializer[Any]):
    """A tier of a ticket type; `id` names one that is there. It ends at `until`, after `quantity` tickets, or both."""

    id = row_id(required=False, allow_null=True)
    name = serializers.CharField(max_length=100)
    price = MoneyField()
    until = TimeInput(required=False, allow_null=True)
    quantity = serializers.IntegerField(min_value=1, max_value=BIGGEST_INTEGER, required=False, allow_null=True)


class TicketTypeInput(serializers.Serializer[Any]):
    """Prices are in the event's currency. `capacity` makes a quota of its own for a new ticket type.

    `price` is what it costs when no tier is in force; `regular_price` is taken for it first, so that what was read can
    be sent back. `tiers` are all that it has.
    """

    name = serializers.CharField(max_length=100)
    price = MoneyField(required=False)
    regular_price = MoneyField(required=False)
    price_kind = serializers.ChoiceField(TicketType.PriceKind.choices, required=False)
    suggested_price = MoneyField(required=False, allow_null=True)
    tiers = serializers.ListField(child=TierInput(), required=False, max_length=MOST_TIERS)
    tax_included = serializers.BooleanField(required=False, allow_null=True)
    max_per_person = serializers.IntegerField(min_value=1, max_value=MOST_PER_PERSON, required=False, allow_null=True)
    show_stock_below = serializers.IntegerField(
        min_value=0, max_value=MOST_STOCK_SHOWN, required=False, allow_null=True
    )
    cancel_allowed = serializers.BooleanField(required=False)
    cancel_until = TimeInput(required=False, allow_null=True)
    transfer_allowed = serializers.BooleanField(required=False)
    transfer_until = TimeInput(required=False, allow_null=True)
    waiting_list = serializers.BooleanField(required=False)
    door_note = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="Shown to people at the door as it is scanned.",
    )
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    tax_rate = serializers.DecimalField(5, 2, required=False, min_value=0, max_value=100)
    sale_starts_at = TimeInput(required=False, allow_null=True)
    sale_ends_at = TimeInput(required=False, allow_null=True)
    min_per_order = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    max_per_order = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    hidden = serializers.BooleanField(required=False)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    quotas = serializers.ListField(child=row_id(), required=False, max_length=50)
    capacity = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False, allow_null=True)


class QuotaSerializer(serializers.Serializer[Any]):
    """A number of places that ticket types draw from; `capacity` null means no limit."""

    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=100)
    capacity = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, allow_null=True)
    held = serializers.IntegerField(read_only=True)
    sold = serializers.IntegerField(read_only=True)
    ticket_types = serializers.ListField(child=row_id(), required=False, max_length=200)


AvailabilitySerializer = inline_serializer(
    "Availability",
    {
        "ticket_types": inline_serializer(
            "TicketTypeAvailability",
            {
                "id": serializers.IntegerField(),
                "available": serializers.IntegerField(allow_null=True),
            },
            many=True,
        )
    },
)


class _Below(EventScoped, APIView):
    parameters = frozenset()

    def types(self) -> Any:
        """The event's ticket types that the caller sees, with their places."""
        types = self.event.ticket_types.with_places()
        return types if self.for_staff else types.visible()

    @cached_property
    def for_staff(self) -> bool:
        """Whether the caller may change the event: then nothing of its stock is kept from them."""
        return self.request.user.is_authenticated and allowed(self.request.user, "change_event", self.event)

    def shown(self, ticket_type: TicketType) -> dict[str, Any]:
        return ticket_type_json(ticket_type, self.event, for_staff=self.for_staff)

    def one_type(self, pk: int) -> TicketType:
        found: TicketType | None = self.types().with_tiers().filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def chosen(self, rows: Any, ids: list[int], field: str) -> list[Any]:
        """The rows of this event with these ids; one from outside "does not exist" (I2)."""
        found = {row.pk: row for row in rows.filter(pk__in=ids)}
        if errors := [
            FieldError(f"{field}.{place}", "does_not_exist", _("This does not exist."))
            for place, pk in enumerate(ids)
            if pk not in found
        ]:
            raise InvalidInput(errors=errors)
        return list(found.values())

    def type_fields(self, request: Request, *, partial: bool) -> dict[str, Any]:
        wanted = TicketTypeInput(data=request.data, partial=partial, context={"currency": self.event.currency})
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        for name in ("price", "regular_price", "suggested_price"):
            if name in fields:
                minor = "suggested_price_minor" if name == "suggested_price" else "price_minor"
                fields[minor] = fields.pop(name)
        if "tiers" in fields:
            fields["tiers"] = [
                TierWish(each["name"], each["price"], each.get("until"), each.get("quantity"), each.get("id"))
                for each in fields["tiers"]
            ]
        if "quotas" in fields:
            fields["quotas"] = self.chosen(self.event.quotas, fields["quotas"], "quotas")
        return fields


class TicketTypesView(_Below):
    """What the event sells; hidden types are shown to staff who may change it."""

    permissions = {"get": ANYONE, "post": "change_event"}

    @extend_schema(operation_id="ticket_types_list", responses=TicketTypeSerializer(many=True))
    @kept
    @etagged()
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(self.types().with_tiers(), request, view=self) or []
        return pages.get_paginated_response([self.shown(row) for row in page])

    @extend_schema(operation_id="ticket_types_create", request=TicketTypeInput, responses={201: TicketTypeSerializer})
    def post(self, request: Request, event: str) -> Response:
        fields = self.type_fields(request, partial=False)
        has_places = "capacity" in fields
        capacity = fields.pop("capacity", None)
        with transaction.atomic():
            made = services.create_ticket_type(self.event, actor=request.user, **fields)
            if has_places:
                services.create_quota(self.event, made.name, capacity, [made], actor=request.user)
        return Response(self.shown(self.one_type(made.pk)), status=201)


class TicketTypeView(_Below):
    permissions = {"get": ANYONE, "put": "change_event", "patch": "change_event", "delete": "change_event"}

    @extend_schema(operation_id="ticket_types_retrieve", responses=TicketTypeSerializer)
    @kept
    @etagged()
    def get(self, request: Request, event: str, pk: int) -> Response:
        return Response(self.shown(self.one_type(pk)))

    @extend_schema(operation_id="ticket_types_replace", request=TicketTypeInput, responses=TicketTypeSerializer)
    def put(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, partial=False)

    @extend_schema(
        operation_id="ticket_types_update", request=TicketTypeInput(partial=True), responses=TicketTypeSerializer
    )
    def patch(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, partial=True)

    @extend_schema(operation_id="ticket_types_delete", responses={204: None})
    def delete(self, request: Request, event: str, pk: int) -> Response:
        services.delete_ticket_type(self.one_type(pk), actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, pk: int, *, partial: bool) -> Response:
        found = self.one_type(pk)
        fields = self.type_fields(request, partial=partial)
        if "capacity" in fields:
            message = _("Places are changed at the quota: several ticket types may share one.")
            raise InvalidInput(errors=[FieldError("capacity", "use_quotas", message)])
        services.change_ticket_type(found, actor=request.user, **fields)
        return Response(self.shown(self.one_type(pk)))


def quota_json(quota: Quota) -> dict[str, Any]:
    return {
        "id": quota.pk,
        "name": quota.name,
        "capacity": quota.capacity,
        "held": quota.held,
        "sold": quota.sold,
        "ticket_types": [row.pk for row in quota.ticket_types.all()],
    }


class _Quotas(_Below):
    def quota(self, pk: int) -> Quota:
        found: Quota | None = self.event.quotas.prefetch_related("ticket_types").filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def quota_fields(self, request: Request, *, partial: bool) -> dict[str, Any]:
        wanted = QuotaSerializer(data=request.data, partial=partial)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        if "ticket_types" in fields:
            fields["ticket_types"] = self.chosen(self.event.ticket_types, fields["ticket_types"], "ticket_types")
        return fields


class QuotasView(_Quotas):
    """How many places there are: for staff."""

    permissions = {"get": ("change_event", "view_reports", "view_orders"), "post": "change_event"}

    @extend_schema(operation_id="quotas_list", responses=QuotaSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        quotas = self.event.quotas.prefetch_related("ticket_types").order_by("pk")
        page: list[Any] = pages.paginate_queryset(quotas, request, view=self) or []
        return pages.get_paginated_response([quota_json(quota) for quota in page])

    @extend_schema(operation_id="quotas_create", request=QuotaSerializer, responses={201: QuotaSerializer})
    def post(self, request: Request, event: str) -> Response:
        made = services.create_quota(self.event, actor=request.user, **self.quota_fields(request, partial=False))
        return Response(quota_json(self.quota(made.pk)), status=201)


class QuotaView(_Quotas):
    permissions = {
        "get": ("change_event", "view_reports", "view_orders"),
        "put": "change_event",
        "patch": "change_event",
        "delete": "change_event",
    }

    @extend_schema(operation_id="quotas_retrieve", responses=QuotaSerializer)
    def get(self, request: Request, event: str, pk: int) -> Response:
        return Response(quota_json(self.quota(pk)))

    @extend_schema(operation_id="quotas_replace", request=QuotaSerializer, responses=QuotaSerializer)
    def put(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, partial=False)

    @extend_schema(operation_id="quotas_update", request=QuotaSerializer(partial=True), responses=QuotaSerializer)
    def patch(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, partial=True)

    @extend_schema(operation_id="quotas_delete", responses={204: None})
    def delete(self, request: Request, event: str, pk: int) -> Response:
        services.delete_quota(self.quota(pk), actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, pk: int, *, partial: bool) -> Response:
        quota = self.quota(pk)
        services.change_quota(quota, actor=request.user, **self.quota_fields(request, partial=partial))
        return Response(quota_json(self.quota(pk)))


class AvailabilityView(_Below):
    """How many places are left of each ticket type, null for no limit: small, and asked often."""

    permissions = {"get": ANYONE}

    @extend_schema(operation_id="events_availability", responses=AvailabilitySerializer)
    @kept
    @etagged()
    def get(self, request: Request, event: str) -> Response:
        types = []
        for row in self.types():
            places = places_left(row)
            told = places if self.for_staff else told_stock(places, row.show_stock_below)
            types.append({"id": row.pk, "available": told})
        return Response({"ticket_types": types})
