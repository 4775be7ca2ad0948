"""What a scan has to know, in one statement: the list, who may scan there, the ticket, and what was answered before.

Everything is read at each scan (I4, T4); the text of the statement is made once per process and planned once per
connection (`shared_apps.core.prepared`).
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, JSONObject

from shared_apps.core.prepared import Parameter, Prepared, SideBySide
from tenant_apps.events.models import EventUserPermission, Question
from tenant_apps.staff.actors import KeyActor, holds, whose_rights
from tenant_apps.staff.keys import by_prefix, judged, prefix_of
from tenant_apps.staff.models import ApiKey, Membership, rights_in
from tenant_apps.ticketing.codes import TicketCode
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInListType, EventKey, RetiredCode, Ticket

PERMISSION = "check_in"
_NO_TOKEN = uuid.UUID(int=0)
_FRESH = Q(status=Ticket.Status.ACTIVE, passages=0)
_ID, _UUID, _TEXT = BigIntegerField(), models.UUIDField(), models.CharField()


# What is read of the event and of the ticket's type; their texts and pictures are many and no business of the door.
EVENT_COLUMNS = ("id", "slug", "title", "status", "starts_at", "ends_at", "timezone")
TYPE_COLUMNS = ("id", "event", "name", "door_note")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read for one scan. `ticket` is the one with the code's token, of whatever event; `ticket.retired` tells
    that the token was its own once: it has another code now."""

    check_in_list: CheckInList
    ticket: Any = None


def see(check_in_list_id: int, code: TicketCode | None, *, actor: Any) -> Seen | None:
    """Read what a scan at this list needs; None where there is no such list, or the actor may not scan there (I2).

    The answer is `staff.permissions.allowed`'s, from the same statement. One statement.
    """
    if check_in_list_id > BigIntegerField.MAX_BIGINT:
        return None  # a number that no column holds is an error to the database
    found, ticket = _see((check_in_list_id, whose_rights(actor)), _of_ticket(code, check_in_list_id))
    return _allowed(found, ticket, code, actor)


def see_with_key(check_in_list_id: int, code: TicketCode | None, text: str) -> tuple[KeyActor, Seen | None]:
    """`see` for a program with the key that the text is; the key is read in the same statement. Raises KeyRefused."""
    prefix = prefix_of(text)
    wanted = min(check_in_list_id, BigIntegerField.MAX_BIGINT)  # as above; no list has that number
    key, found, ticket = _see_with_key((prefix,), (wanted, prefix), _of_ticket(code, wanted))
    actor = KeyActor(judged(key, text))
    return actor, _allowed(found, ticket, code, actor)


def _of_ticket(code: TicketCode | None, check_in_list_id: int) -> tuple[Any, ...]:
    return (code.token, code.key_id, check_in_list_id) if code else (_NO_TOKEN, "", check_in_list_id)


def _allowed(found: Any, ticket: Any, code: TicketCode | None, actor: Any) -> Seen | None:
    if found is None:
        return None
    role = rights_in(found.role["preset"], found.role["permissions"]) if found.role else frozenset()
    if not holds(actor, PERMISSION, role, found.event_id, found.granted):
        return None
    return _seen(found, ticket, code)


def see_again(check_in_list: CheckInList, code: TicketCode | None) -> Seen:
    """The same for a list whose rights were asked already: of a batch, each scan after the first. One statement."""
    found, ticket = _see((check_in_list.pk, 0), _of_ticket(code, check_in_list.pk))
    return _seen(check_in_list if found is None else found, ticket, code)


def _seen(check_in_list: CheckInList, ticket: Any, code: TicketCode | None) -> Seen:
    if ticket is not None:
        ticket.retired = code is None or ticket.token != code.token
        if ticket.event_id == check_in_list.event_id:
            ticket.event = check_in_list.event
    return Seen(check_in_list, ticket)


def admissions_before(list_id: Any) -> dict[str, Any]:
    """Return the annotations of a ticket by which `admission.earlier` judges: `came`, when each admission that counts
    at the list was given, in order, and `stands_since`, when the last of those that stand. Lists of one zone count
    together. A plain entrance asks for neither: there they are empty, and cost nothing.

    They hold as long as the ticket's `passages`, which is read in the same statement, is what it was.
    """
    asking = CheckInList.objects.filter(Q(zone__isnull=False) | ~Q(entries=CheckInList.Entries.AFTER_EXIT), pk=list_id)
    zone = CheckInList.objects.filter(pk=list_id).values("zone_id")
    here = Q(check_in_list_id=list_id) | Q(zone_id=Subquery(zone))
    rows = CheckIn.objects.admissions().filter(here, Exists(asking), ticket_id=OuterRef("pk"))
    standing = rows.filter(left_at__isnull=True).order_by("-scanned_at")
    none = Value([], ArrayField(models.DateTimeField()))
    return {
        "came": unless_fresh(ArraySubquery(rows.order_by("scanned_at", "pk").values("scanned_at")), none),
        "stands_since": unless_fresh(Subquery(standing.values("scanned_at")[:1])),
    }


def unless_fresh(found: Any, otherwise: Any = None) -> Case:
    """Look among earlier admissions only of a ticket that had some: with most that are scanned nobody came in yet."""
    return Case(When(_FRESH, then=otherwise), default=found)


def _all_of(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields]


@Prepared
def _list(pk: Parameter, user_id: Parameter) -> Any:
    return _list_for(pk, user_id.of(_ID))


@Prepared
def _list_for_key(pk: Parameter, prefix: Parameter) -> Any:
    # Of what is unique nothing is put in order: a sort of one row costs the server more than finding it.
    return _list_for(pk, Subquery(ApiKey.objects.order_by().filter(prefix=prefix.of(_TEXT)).values("created_by_id")))


def _list_for(pk: Parameter, user_id: Any) -> Any:
    """The list, with what the role of that person gives here, and whether a grant gives the right on its event."""
    membership = Membership.objects.order_by().filter(user_id=user_id)
    grants = EventUserPermission.objects.filter(
        user_id=user_id,
        content_object=OuterRef("event_id"),
        # The kind is said for the index that it belongs to: names alone are looked for in the whole table.
        permission__content_type__app_label="events",
        permission__content_type__model="event",
        permission__codename=PERMISSION,
    )
    return (
        CheckInList.objects.select_related("event")
        .only(*_all_of(CheckInList), *(f"event__{name}" for name in EVENT_COLUMNS))
        .filter(pk=pk.of(_ID))
        .annotate(
            role=Subquery(
                membership.values(row=JSONObject(preset="role__preset", permissions="role__permissions")),
                output_field=models.JSONField(),
            ),
            granted=Exists(grants),
            door_questions=ArraySubquery(
                Question.objects.filter(event=OuterRef("event_id"), at_door=True)
                .order_by("position", "pk")
                .values("pk")
            ),
        )
    )


@Prepared
def _ticket(token: Parameter, key_id: Parameter, list_id: Parameter) -> Any:
    key = EventKey.objects.filter(event_id=OuterRef("event_id"), key_id=key_id.of(_TEXT))
    limited = CheckInListType.objects.filter(check_in_list_id=list_id.of(_ID))
    standing = CheckIn.objects.standing().filter(check_in_list_id=list_id.of(_ID), ticket=OuterRef("pk"))
    now_or_before = Coalesce(
        Subquery(Ticket.objects.filter(token=token.of(_UUID)).values("pk")),
        Subquery(RetiredCode.objects.filter(token=token.of(_UUID)).values("ticket_id")),
    )
    return (
        Ticket.objects.select_related("ticket_type")
        .only(*_all_of(Ticket), *(f"ticket_type__{name}" for name in TYPE_COLUMNS))
        .filter(pk=now_or_before)
        .annotate(
            public_key=Subquery(key.values("public_key")),
            key_revoked_at=Subquery(key.values("revoked_at")),
            accepted=~Exists(limited) | Q(Exists(limited.filter(ticket_type_id=OuterRef("ticket_type_id")))),
            inside_since=unless_fresh(Subquery(standing.values("scanned_at")[:1])),
            **admissions_before(list_id.of(_ID)),
        )
    )


_see = SideBySide(_list, _ticket)
_see_with_key = SideBySide(by_prefix, _list_for_key, _ticket)
