"""Waiting lists over HTTP: for whoever wants a place, for whoever holds an entry's token, and for staff."""

from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Pages
from api.permissions import ANYONE
from api.scoping import EventScoped
from api.v1.orders.serializers import AttendeeInput, PlacedOrderSerializer
from api.v1.orders.views import started
from api.views import APIView
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import NotFound
from tenant_apps.orders import waiting, waiting_offers
from tenant_apps.orders.checkout import Attendee
from tenant_apps.orders.models import WaitingEntry
from tenant_apps.payments.services import place

BIGGEST = 2**63 - 1


class JoinInput(serializers.Serializer[Any]):
    """`POST /events/{slug}/waiting-list/`: so many places, all of them or none."""

    ticket_type = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    quantity = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    email = serializers.EmailField(max_length=254)


class JoinedSerializer(serializers.Serializer[Any]):
    """The same for who was on the list already: only the address itself is told, by mail."""

    status = serializers.ChoiceField(["accepted"])
    detail = serializers.CharField()
    token = serializers.CharField(
        allow_null=True, help_text="Opens the entry. Given to who is signed in with this very address; else by mail."
    )


class WaitingSerializer(serializers.Serializer[Any]):
    event = serializers.CharField()
    ticket_type = serializers.IntegerField()
    ticket_type_name = serializers.CharField()
    quantity = serializers.IntegerField()
    status = serializers.ChoiceField(WaitingEntry.Status.choices)
    ahead = serializers.IntegerField(allow_null=True, help_text="How many entries come before this one.")
    joined_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until when the offer stands, or places are put aside for a group."
    )
    order = serializers.CharField(allow_null=True)


class StaffWaitingSerializer(WaitingSerializer):
    id = serializers.UUIDField()
    email = serializers.CharField()
    held = serializers.IntegerField(help_text="Places that are held for it now.")


class OfferOrderInput(serializers.Serializer[Any]):
    """`POST /waiting-list/{token}/order/`. Ticket type, quantity and address are the offer's."""

    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    price = serializers.CharField(
        max_length=30, required=False, allow_null=True, help_text="Only where buyers say the price: for each ticket."
    )
    attendees = serializers.ListField(child=AttendeeInput(), required=False, max_length=500)
    agreed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=50
    )
    provider = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    test_outcome = serializers.ChoiceField(["succeed", "decline", "pending"], required=False)
    flow = serializers.ChoiceField(["checkout", "element"], required=False)


def entry_json(entry: WaitingEntry, ahead: int | None) -> dict[str, Any]:
    return {
        "event": entry.ticket_type.event.slug,
        "ticket_type": entry.ticket_type_id,
        "ticket_type_name": entry.ticket_type.name,
        "quantity": entry.quantity,
        "status": entry.status,
        "ahead": ahead,
        "joined_at": entry.joined_at,
        "expires_at": entry.expires_at,
        "order": entry.order.code if entry.order else None,
    }


def staff_json(entry: WaitingEntry, ahead: int | None) -> dict[str, Any]:
    return {**entry_json(entry, ahead), "id": entry.pk, "email": entry.email, "held": entry.held}


class EventWaitingView(EventScoped, APIView):
    """Who waits (staff), and joining (anybody)."""

    permissions = {"get": "change_orders", "post": ANYONE}
    parameters = frozenset({"status", "ticket_type"})

    @extend_schema(operation_id="waiting_list", responses=StaffWaitingSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        found = waiting.entries_of(self.event)
        status, kind = request.query_params.get("status", ""), request.query_params.get("ticket_type", "")
        if status in WaitingEntry.Status.values:
            found = found.filter(status=status)
        if kind.isascii() and kind.isdigit() and len(kind) < 19:
            found = found.filter(ticket_type=int(kind))
        pages = Pages()
        page: list[WaitingEntry] = pages.paginate_queryset(found, request, view=self) or []
        ahead = waiting.ahead_of(page)
        return pages.get_paginated_response([staff_json(each, ahead.get(each.pk)) for each in page])

    @extend_schema(operation_id="waiting_list_join", request=JoinInput, responses={202: JoinedSerializer})
    def post(self, request: Request, event: str) -> Response:
        wanted = JoinInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        waiting.count_try(data["email"], client_address(request))
        entry = waiting.join(self.event, user=request.user, language=get_language() or "", **data)
        told = _(
            "If places come free, we write to %(email)s. The letter on its way there has a link to leave the list."
        )
        mine = waiting.is_own_address(request.user, data["email"])
        return Response(
            {
                "status": "accepted",
                "detail": told % {"email": data["email"]},
                "token": entry.secret if mine else None,
            },
            status=202,
        )


class _OfEvent(EventScoped, APIView):
    def entry(self, pk: UUID) -> WaitingEntry:
        found: WaitingEntry | None = waiting.entries_of(self.event).filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found


class EventWaitingEntryView(_OfEvent):
    """Take somebody off the list; what was offered goes to the next."""

    permissions = {"delete": "change_orders"}

    @extend_schema(operation_id="waiting_list_remove", responses={204: None})
    def delete(self, request: Request, event: str, pk: UUID) -> Response:
        waiting.remove(self.entry(pk), actor=request.user)
        return Response(status=204)


class EventWaitingOfferView(_OfEvent):
    """Offer free places to this entry now, whoever else waits."""

    permissions = {"post": "change_orders"}

    @extend_schema(operation_id="waiting_list_offer", request=None, responses=StaffWaitingSerializer)
    def post(self, request: Request, event: str, pk: UUID) -> Response:
        waiting_offers.offer_now(self.entry(pk), actor=request.user)
        return Response(staff_json(self.entry(pk), None))


class _OfToken(APIView):
    def entry(self, token: str) -> WaitingEntry:
        found = waiting.by_secret(token)
        if found is None:
            raise NotFound
        return found


class WaitingEntryView(_OfToken):
    """One's own entry, by the token that the mail tells."""

    permissions = {"get": ANYONE, "delete": ANYONE}

    @extend_schema(operation_id="waiting_list_entry", responses=WaitingSerializer)
    def get(self, request: Request, token: str) -> Response:
        entry = self.entry(token)
        return Response(entry_json(entry, waiting.ahead_of([entry]).get(entry.pk)))

    @extend_schema(operation_id="waiting_list_leave", responses={204: None})
    def delete(self, request: Request, token: str) -> Response:
        waiting.leave(self.entry(token))
        return Response(status=204)


class WaitingOrderView(_OfToken):
    """Order what is offered: the places that are held become the order's."""

    permissions = {"post": ANYONE}

    @extend_schema(operation_id="waiting_list_order", request=OfferOrderInput, responses={201: PlacedOrderSerializer})
    @idempotent(required=True)
    def post(self, request: Request, token: str) -> Response:
        entry = self.entry(token)
        wanted = OfferOrderInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        basket = waiting.basket_of(
            entry,
            name=data["name"],
            price=data.get("price"),
            attendees=[Attendee(**each) for each in data.get("attendees", ())][: entry.quantity],
            provider=data["provider"],
            language=get_language() or "",
            agreed=data.get("agreed", ()),
            options={name: data[name] for name in ("test_outcome", "flow") if name in data},
        )
        order, payment = place(basket, user=request.user, actor=request.user, offer=entry)
        return started(request, order, payment, basket.options)
