"""Writing the programme of an event, its list of what to bring, and its questions to attendees."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events.models import BringItem, Event, ProgramItem, Question
from tenant_apps.events.services import check_edit_window, locked
from tenant_apps.events.times import BadTime, moment

Detail = ProgramItem | BringItem | Question

MOST = 100
MOST_CHOICES = 50
TOPICS: Mapping[type[Detail], str] = {ProgramItem: "program_item", BringItem: "bring_item", Question: "question"}
FIELDS: Mapping[type[Detail], tuple[str, ...]] = {
    ProgramItem: ("title", "description", "starts_at", "ends_at", "speaker", "room", "position"),
    BringItem: ("name", "amount", "unit", "position"),
    Question: ("text", "help", "kind", "choices", "required", "ticket_types", "at_door", "position"),
}
# What a row cannot be without.
NAMED: Mapping[type[Detail], str] = {ProgramItem: "title", BringItem: "name", Question: "text"}


@transaction.atomic
def make(model: type[Detail], event: Event, *, actor: Any, **fields: Any) -> Any:
    """Add a row to the event; without a position it comes last. Raises InvalidInput, EditWindowClosed."""
    event = locked(event)
    check_edit_window(event, {TOPICS[model]})
    there = list(model._default_manager.filter(event=event).values_list("position", flat=True))
    if len(there) >= MOST:
        raise InvalidInput(_("An event has at most %d of them.") % MOST)
    row = model(event=event)
    _fill(row, {"position": max(there, default=-1) + 1, **fields})
    row.save()
    _touch(event)
    record(f"{TOPICS[model]}.created", row, actor=actor, details=_told(row, made), deliver=False)
    return row


@transaction.atomic
def change(row: Any, *, actor: Any, **fields: Any) -> Any:
    """Change what is given. Answers that were given to a question keep the text they answered."""
    event = locked(row.event)
    row = _fresh(row)
    before = {name: getattr(row, name) for name in fields}
    _fill(row, fields)
    after = {name: getattr(row, name) for name in fields}
    if after == before:
        return row
    check_edit_window(event, {TOPICS[type(row)]})
    row.save()
    _touch(event)
    record(
        f"{TOPICS[type(row)]}.updated", row, actor=actor, details=before_and_after(before, after), deliver=False
    )  # fmt: skip
    return row


@transaction.atomic
def delete(row: Any, *, actor: Any) -> None:
    """Take the row away. Answers to a question stay in the orders that have them."""
    event = locked(row.event)
    row = _fresh(row)
    check_edit_window(event, {TOPICS[type(row)]})
    record(f"{TOPICS[type(row)]}.deleted", row, actor=actor, details=_told(row, gone), deliver=False)
    row.delete()
    _touch(event)


def copy_details(event: Event, copy: Event, ticket_types: Mapping[int, int]) -> None:
    """Give the copy what the event has, times as far from its start; ticket types by the ids of their twins."""
    shift = copy.starts_at - event.starts_at
    for model, names in FIELDS.items():
        rows = []
        for old in model._default_manager.filter(event=event):
            same = {name: getattr(old, name) for name in names}
            for name in ("starts_at", "ends_at"):
                if same.get(name) is not None:
                    same[name] += shift
            if "ticket_types" in same:
                same["ticket_types"] = [ticket_types[pk] for pk in old.ticket_types if pk in ticket_types]  # type: ignore[union-attr]  # only questions
                if old.ticket_types and not same["ticket_types"]:  # type: ignore[union-attr]  # only questions
                    continue  # asked of a type that is gone: asked of nobody
            rows.append(model(event=copy, **same))
        model._default_manager.bulk_create(rows)  # type: ignore[arg-type]  # rows of this one model


# --- Inside ------------------------------------------------------------------------------------------------------


def _fresh(row: Any) -> Any:
    fresh = type(row)._default_manager.select_related("event").filter(pk=row.pk).first()
    if fresh is None:
        raise NotFound
    return fresh


def _told(row: Any, how: Any) -> dict[str, Any]:
    return {"event": row.event_id, **how(**{name: getattr(row, name) for name in FIELDS[type(row)]})}


def _touch(event: Event) -> None:
    """What is kept of the event's page, and `?modified_since=`, follow from this."""
    event.save(update_fields=["modified_at"])


def _fill(row: Any, fields: Mapping[str, Any]) -> None:
    model = type(row)
    unknown = set(fields) - set(FIELDS[model])
    if unknown:
        raise TypeError(f"{model.__name__} has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name, value in fields.items():
        try:
            setattr(row, name, _value(row, name, value))
        except BadTime as bad:
            errors.append(bad.error)
        except ValueError as error:
            errors.append(FieldError(name, "invalid", str(error)))
    if not getattr(row, NAMED[model]):
        errors.append(FieldError(NAMED[model], "required", _("This field is required.")))
    if isinstance(row, ProgramItem):
        if row.ends_at and not row.starts_at:
            errors.append(FieldError("starts_at", "required", _("Say when it starts.")))
        elif row.starts_at and row.ends_at and row.ends_at < row.starts_at:
            errors.append(FieldError("ends_at", "before_start", _("It cannot end before it starts.")))
    if isinstance(row, Question):
        errors += _question_faults(row)
    if errors:
        raise InvalidInput(errors=errors)


def _value(row: Any, name: str, value: Any) -> Any:
    """The value as the column keeps it. Raises ValueError with a sentence, BadTime."""
    if name in ("starts_at", "ends_at"):
        return moment(value, row.event.timezone, name)
    if name == "position":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000:
            raise ValueError(_("A whole number from 0 to 10000."))
        return value
    if name == "amount":
        return _amount(value)
    if name in ("required", "at_door"):
        return bool(value)
    if name == "choices":
        return list(dict.fromkeys(text for each in value or () if (text := _text(each, 150))))
    if name == "ticket_types":
        wanted = set(value or ())
        # A reverse name, not an import: tickets stand above events.
        if wanted - set(row.event.ticket_types.filter(pk__in=wanted).values_list("pk", flat=True)):
            raise ValueError(_("This belongs to another event."))
        return sorted(wanted)
    if name == "kind":
        if value not in Question.Kind.values:
            raise ValueError(_("One of text, choice, multiple, number, yes_no."))
        return value
    return _text(value, row._meta.get_field(name).max_length)


def _text(value: Any, longest: int) -> str:
    text = " ".join(str(value or "").split())
    if len(text) > longest:
        raise ValueError(_("At most %d characters.") % longest)
    return text


def _amount(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value).replace(",", "."))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 < amount < 1_000_000 or amount != amount.quantize(Decimal("0.001")):
        raise ValueError(_("A number above 0, with at most three decimals."))
    return amount


def _question_faults(row: Question) -> list[FieldError]:
    chosen = row.kind in (Question.Kind.CHOICE, Question.Kind.MULTIPLE)
    if chosen and not 2 <= len(row.choices) <= MOST_CHOICES:
        return [FieldError("choices", "required", _("Give 2 to %d answers to choose from.") % MOST_CHOICES)]
    if not chosen and row.choices:
        return [FieldError("choices", "not_wanted", _("Only questions with a choice have answers to choose from."))]
    return []
