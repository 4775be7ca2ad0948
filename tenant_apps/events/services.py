"""Writing about events: their life from draft to archive, and what they are."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import nh3
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone as django_timezone
from django.utils.translation import gettext as _

from shared_apps.billing import limits
from shared_apps.core.clock import local
from shared_apps.core.errors import FieldError, InvalidInput, NotFound, WrongState
from shared_apps.core.money import CURRENCIES, exponent
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events.errors import CurrencyFixed, EditWindowClosed, EventHasOrders, IsTemplate
from tenant_apps.events.media import files_of
from tenant_apps.events.models import Event, EventSeries, Tag
from tenant_apps.events.news import news
from tenant_apps.events.particulars import fill_particulars
from tenant_apps.events.slugs import free_slug
from tenant_apps.events.taxonomy import category_of, tags_of, venue_of
from tenant_apps.events.times import BadTime, moment, zone_or_error
from tenant_apps.staff.actors import person_of
from tenants.context import current_tenant
from tenants.preferences import preference

Status = Event.Status

# The whole life of an event. A move that is not here is refused; repeating one that was made changes nothing.
MOVES: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.PUBLISHED, Status.ARCHIVED}),
    Status.PUBLISHED: frozenset({Status.POSTPONED, Status.CANCELLED, Status.FINISHED}),
    Status.POSTPONED: frozenset({Status.PUBLISHED, Status.CANCELLED, Status.FINISHED}),
    Status.CANCELLED: frozenset({Status.ARCHIVED}),
    Status.FINISHED: frozenset({Status.ARCHIVED}),
    Status.ARCHIVED: frozenset(),
}
WITHOUT_END = timedelta(hours=2)
MOST_TAGS = 20
LONGEST_DESCRIPTION = 50_000
PLAIN = ("title", "summary", "level")
TIMES = ("starts_at", "ends_at", "cancel_until")
CONTACT = ("contact_name", "contact_email", "contact_phone", "contact_url")
FIELDS = frozenset(
    {*PLAIN, *TIMES, *CONTACT, "description", "timezone", "currency", "category", "venue", "tags", "external_id"}
    | {"attendance", "online_url", "refund_tiers"}
)
# What buyers relied on: after the first sale it moves by `postpone` and `cancel`, which tell them.
PROMISED = frozenset({"starts_at", "ends_at", "timezone", "venue", "attendance"})

# What a description may hold. No images: those are media, checked and re-encoded (B6).
_NO_MARKUP = re.compile(r"[^<>&\r\0\u00a0]*")
_TAGS = {"p", "br", "strong", "b", "em", "i", "u", "s", "ul", "ol", "li", "a", "h2", "h3", "h4", "blockquote", "hr"}


def create_event(*, actor: Any, **fields: Any) -> Event:
    """Make a draft. Needs `title` and `starts_at`; zone and currency are the tenant's unless given.

    Times without an offset are local times in the event's zone (B3). `category` and `tags` are slugs or rows,
    `venue` a slug, a row, or a mapping with `name` and `address` that is found or made.
    Raises InvalidInput naming every field that is wrong, LimitReached by the tenant's plan.
    """
    tenant = current_tenant()
    fields = {"timezone": tenant.timezone, "currency": tenant.currency, **fields}
    for attempt in range(3):
        try:
            with transaction.atomic():
                limits.require("events")
                event = Event(slug="")
                tags = _fill(event, fields)
                event.slug = free_slug(Event, event.title, fallback="event")
                event.save(force_insert=True)
                event.tags.set(tags)
                told = made(title=event.title, slug=event.slug, starts_at=event.starts_at, status=event.status)
                record("event.created", event, actor=actor, details={"title": event.title, **told})
                return event
        except IntegrityError as error:
            # Somebody took the same address between our look and our insert; the next look sees it.
            if "slug" not in str(error) or attempt == 2:
                raise
    raise AssertionError("unreachable")


@transaction.atomic
def update_event(event: Event, *, actor: Any, **fields: Any) -> Event:
    """Change what is given.

    Raises EditWindowClosed by the tenant's policy, CurrencyFixed after the first order (M6).
    """
    event = locked(event)
    before = {name: _comparable(event, name) for name in fields if name in FIELDS}
    tags = _fill(event, fields)
    changed = {name for name in before if name != "tags" and _comparable(event, name) != before[name]}
    check_edit_window(event, changed)
    if "currency" in changed:
        _check_currency(event, before["currency"])
    event.save()
    if "tags" in fields and {tag.pk for tag in tags} != before["tags"]:
        event.tags.set(tags)
        changed.add("tags")
    if changed:
        now = {name: _comparable(event, name) for name in changed}
        record("event.updated", event, actor=actor, details=before_and_after(before, now), payload=news(before, now))
    return event


def publish(event: Event, *, actor: Any) -> Event:
    """Put the event on sale, for the first time or after it was postponed."""
    return _move(event, Status.PUBLISHED, actor)


@transaction.atomic
def postpone(event: Event, *, starts_at: Any, ends_at: Any = None, actor: Any) -> Event:
    """Give the event another time and stop its sale until it is published again. Holders keep their tickets."""
    event = locked(event)
    before, status = (event.starts_at, event.ends_at), event.status
    _fill(event, {"starts_at": starts_at, "ends_at": ends_at})
    if event.status == Status.POSTPONED and before == (event.starts_at, event.ends_at):
        return event
    if event.status != Status.POSTPONED:
        _require(event, Status.POSTPONED)
    if event.previous_starts_at is None or event.status != Status.POSTPONED:
        # Postponed twice in a row, it is still the first time that people knew.
        event.previous_starts_at = before[0]
    event.status = Status.POSTPONED
    event.save()
    payload = {"from": before[0].isoformat(), "to": event.starts_at.isoformat()}
    was = {"starts_at": before[0], "ends_at": before[1], "status": status}
    now = {"starts_at": event.starts_at, "ends_at": event.ends_at, "status": event.status}
    record("event.postponed", event, actor=actor, details={**payload, **before_and_after(was, now)}, payload=payload)
    return event


def cancel(event: Event, *, actor: Any, refund: bool = False, reason: str = "") -> Event:
    """Call the event off: nothing is sold any more, and its tickets admit nobody.

    With `refund` its orders are cancelled and everybody's money goes back, in the background (payments.mass). Asking
    for it once more, for an event that is cancelled already, is not heard here: that is an act of its own.
    """
    person = person_of(actor)
    wanted = {"refund": refund, "reason": reason[:300], "by": person.pk if person else None}
    return _move(event, Status.CANCELLED, actor, payload=wanted)


def archive(event: Event, *, actor: Any) -> Event:
    """Put a draft, cancelled or finished event out of sight. Its orders stay."""
    return _move(event, Status.ARCHIVED, actor)


@transaction.atomic
def duplicate(event: Event, *, actor: Any, **changes: Any) -> Event:
    """Make a draft that is like the event, but for the changes. What is on sale is copied by ticketing.

    With another start, the end and the last day to cancel move along, unless they are given too.
    """
    same = {name: getattr(event, name) for name in FIELDS - {"tags", "external_id"}}
    copy = create_event(actor=actor, **{**same, "tags": list(event.tags.all()), **_along(event, changes), **changes})
    record("event.duplicated", copy, actor=actor, details={"from": event.pk, **made(title=copy.title)})
    return copy


@transaction.atomic
def delete_event(event: Event, *, actor: Any) -> None:
    """Delete the event for good. Raises EventHasOrders if anything was ever ordered for it."""
    event = locked(event)
    if is_template(event):
        raise IsTemplate
    told = gone(title=event.title, slug=event.slug, starts_at=event.starts_at, status=event.status)
    details = {"title": event.title, "slug": event.slug, **told}
    record("event.deleted", event, actor=actor, details=details, payload={"pictures": files_of(event)})
    if event.series_id:
        _leave_out(event)
    try:
        event.delete()
    except ProtectedError:
        raise EventHasOrders from None


def finish_over(now: datetime | None = None) -> int:
    """Mark as finished what is over: at its end, or two hours after a start without known end. Returns how many."""
    now = now or django_timezone.now()
    over = Q(ends_at__lte=now) | Q(ends_at__isnull=True, starts_at__lte=now - WITHOUT_END)
    finished = 0
    running = Event.objects.filter(over, status__in=(Status.PUBLISHED, Status.POSTPONED))
    for event in running.only("pk", "status").order_by("pk"):
        with transaction.atomic():
            moved = Event.objects.filter(over, pk=event.pk, status=event.status).update(
                status=Status.FINISHED, modified_at=now
            )
            if moved:
                change = before_and_after({"status": event.status}, {"status": Status.FINISHED})
                record("event.finished", event, details=change)
                finished += 1
    return finished


def clean_description(html: str) -> str:
    """Return the text with nothing but harmless markup (B8)."""
    if _NO_MARKUP.fullmatch(html):
        return html  # what the cleaner would give back, at a fiftieth of the time
    return nh3.clean(html, tags=_TAGS, attributes={"a": {"href", "title"}}, url_schemes={"http", "https", "mailto"})


# --- Inside ------------------------------------------------------------------------------------------------------


def _along(event: Event, changes: Mapping[str, Any]) -> dict[str, datetime]:
    """The other times of the event, as far from the new start as they are from the old one."""
    if not changes.get("starts_at"):
        return {}
    try:
        start = moment(changes["starts_at"], changes.get("timezone", event.timezone), "starts_at")
    except BadTime as bad:
        raise InvalidInput(errors=[bad.error]) from None
    assert start is not None
    others = {name: getattr(event, name) for name in ("ends_at", "cancel_until")}
    return {name: at + (start - event.starts_at) for name, at in others.items() if at is not None}


def _move(event: Event, status: str, actor: Any, *, payload: dict[str, Any] | None = None) -> Event:
    with transaction.atomic():
        event = locked(event)
        if event.status == status:
            return event
        _require(event, status)
        if is_template(event):
            raise IsTemplate
        details = {"from": str(event.status), **before_and_after({"status": event.status}, {"status": status})}
        event.status = status
        event.save(update_fields=["status", "modified_at"])
        record(f"event.{status}", event, actor=actor, details=details, payload=payload)
        return event


def _require(event: Event, status: str) -> None:
    if status not in MOVES[event.status]:
        raise WrongState(now=event.get_status_display(), wanted=Status(status).label)


def locked(event: Event) -> Event:
    events = Event.objects.select_for_update(of=("self",)).select_related("category", "venue")
    fresh = events.filter(pk=event.pk).first()
    if fresh is None:
        raise NotFound
    return fresh


def _comparable(event: Event, name: str) -> Any:
    if name == "tags":
        return {tag.pk for tag in event.tags.all()}
    return getattr(event, f"{name}_id" if name in ("category", "venue") else name)


def check_edit_window(event: Event, changed: set[str]) -> None:
    policy = preference(current_tenant(), "event_edit_policy")
    if not changed or event.status == Status.DRAFT or policy == "always":
        return
    if policy == "one_hour_after_creation":
        if event.created_at + timedelta(hours=1) < django_timezone.now():
            raise EditWindowClosed(why=why_closed(policy))
    elif changed & PROMISED and has_orders(event):
        raise EditWindowClosed(why=why_closed(policy), field=sorted(changed & PROMISED)[0])


def why_closed(policy: str) -> str:
    """Return in words why an event can no longer be edited under this policy."""
    if policy == "one_hour_after_creation":
        return _("events can be edited for one hour after they were made.")
    return _("tickets have been sold for this time and place. Postpone or cancel the event instead.")


def _check_currency(event: Event, before: str) -> None:
    if has_orders(event):
        raise CurrencyFixed(field="currency")
    # Prices are kept in minor units: 12.50 EUR would silently become 1250 JPY.
    priced = Q(price_minor__gt=0) | Q(suggested_price_minor__gt=0) | Q(tiers__price_minor__gt=0)
    if exponent(before) != exponent(event.currency) and event.ticket_types.filter(priced).exists():
        raise CurrencyFixed(_("Set the prices to 0 first: this currency counts in other units."), field="currency")


def _leave_out(event: Event) -> None:
    """A date that is deleted does not come back with the next change of its series' rule."""
    assert event.series_id is not None and event.series_start is not None
    series = EventSeries.objects.select_for_update().get(pk=event.series_id)
    wall = local(event.series_start, series.timezone).replace(tzinfo=None)
    added = {text: moment(text, series.timezone, "rdates") for text in series.rdates}
    series.rdates = [text for text, at in added.items() if at != event.series_start]
    series.exdates = [*series.exdates, f"{wall:%Y-%m-%dT%H:%M}"]
    series.save()


def is_template(event: Event) -> bool:
    """Tell whether the event is only the set-up of a series: it is copied, never sold."""
    return EventSeries.objects.filter(template=event).exists()


def has_orders(event: Event) -> bool:
    """Tell whether anything was ever ordered for the event."""
    # A reverse name, not an import: orders stand above events.
    return bool(event.order_lines.exists())


def _fill(event: Event, fields: Mapping[str, Any]) -> list[Tag]:
    """Put the given fields on the event; return its tags if given. Raises InvalidInput with all that is wrong."""
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"Event has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    tags: list[Tag] = []
    if "timezone" in fields:
        try:
            event.timezone = zone_or_error(fields["timezone"])
        except BadTime as bad:
            raise InvalidInput(errors=[bad.error]) from None
    for name in TIMES:
        if name in fields:
            try:
                setattr(event, name, moment(fields[name], event.timezone, name))
            except BadTime as bad:
                errors.append(bad.error)
    _fill_texts(event, fields, errors)
    if "currency" in fields:
        event.currency = str(fields["currency"] or "").upper()
        if event.currency not in CURRENCIES:
            errors.append(FieldError("currency", "currency", _("This is no ISO 4217 currency code.")))
    fill_particulars(event, fields, errors)
    if "external_id" in fields:
        event.external_id = fields["external_id"] or None
    try:
        if "category" in fields:
            event.category = category_of(fields["category"])
        if "tags" in fields:
            tags = tags_of(fields["tags"] or ())
        if "venue" in fields:
            event.venue = venue_of(fields["venue"], event.timezone)
    except InvalidInput as refused:
        errors.extend(refused.errors)
    start: datetime | None = event.starts_at  # None while the event is being made
    if start is None and not any(error.field == "starts_at" for error in errors):
        errors.append(FieldError("starts_at", "required", _("Say when the event starts.")))
    if start and event.ends_at and event.ends_at < start:
        errors.append(FieldError("ends_at", "before_start", _("The event cannot end before it starts.")))
    if len(tags) > MOST_TAGS:
        errors.append(FieldError("tags", "too_many", _("An event has at most 20 tags.")))
    if errors:
        raise InvalidInput(errors=errors)
    return tags


def _fill_texts(event: Event, fields: Mapping[str, Any], errors: list[FieldError]) -> None:
    for name in PLAIN:
        if name in fields:
            text = " ".join(str(fields[name] or "").split())
            longest: int = Event._meta.get_field(name).max_length  # type: ignore[union-attr, assignment]  # text fields all, each with a length
            if len(text) > longest:
                errors.append(FieldError(name, "too_long", _("At most %d characters.") % longest))
            setattr(event, name, text)
    if not event.title:
        errors.append(FieldError("title", "required", _("Give the event a title.")))
    if "description" in fields:
        event.description = clean_description(str(fields["description"] or ""))
        if len(event.description) > LONGEST_DESCRIPTION:
            message = _("At most %d characters.") % LONGEST_DESCRIPTION
            errors.append(FieldError("description", "too_long", message))
