"""Categories, tags and venues: found by slug, made where they are missing, deleted only when nothing uses them."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events.errors import InUse
from tenant_apps.events.models import Category, Tag, Venue
from tenant_apps.events.slugs import free_slug

FALLBACK = {Category: "category", Tag: "tag", Venue: "venue"}


def category_of(value: Any) -> Category | None:
    """Return the category that a slug names; None for nothing. Raises InvalidInput if there is none."""
    if value is None or value == "" or isinstance(value, Category):
        return value or None
    category = Category.objects.filter(slug=str(value)).first()
    if category is None:
        raise InvalidInput(errors=[FieldError("category", "does_not_exist", _("There is no such category."))])
    return category


def tags_of(values: Iterable[Any]) -> list[Tag]:
    """Return the tags that the slugs name. Raises InvalidInput naming each place where there is none."""
    values = list(values)
    wanted = {str(value) for value in values if not isinstance(value, Tag)}
    known = {tag.slug: tag for tag in Tag.objects.filter(slug__in=wanted)} if wanted else {}
    errors = [
        FieldError(f"tags.{index}", "does_not_exist", _("There is no such tag."))
        for index, value in enumerate(values)
        if not isinstance(value, Tag) and str(value) not in known
    ]
    if errors:
        raise InvalidInput(errors=errors)
    tags = [value if isinstance(value, Tag) else known[str(value)] for value in values]
    return list({tag.pk: tag for tag in tags}.values())


def venue_of(value: Any, zone: str = "") -> Venue | None:
    """Return the venue: a row, the one a slug names, or the one with this name and address, made if need be."""
    if value is None or value == "" or isinstance(value, Venue):
        return value or None
    if isinstance(value, Mapping):
        return get_or_create_venue(**{"timezone": zone, **value})
    venue = Venue.objects.filter(slug=str(value)).first()
    if venue is None:
        raise InvalidInput(errors=[FieldError("venue", "does_not_exist", _("There is no such venue."))])
    return venue


def get_or_create_venue(*, name: str, address: str = "", **details: Any) -> Venue:
    """Return the venue with this name and address; the details count only if it has to be made."""
    name, address = _text(name), _text(address)
    found = Venue.objects.filter(name=name, address=address).first()
    return found or make(Venue, actor=None, name=name, address=address, **details)


def get_or_create_named(model: type[Category] | type[Tag], name: str) -> Any:
    """Return the category or tag with this name, whatever the case; made if need be."""
    name = _text(name)
    found = model.objects.filter(name__iexact=name).first()
    return found or make(model, actor=None, name=name)


def make(model: Any, *, actor: Any, **fields: Any) -> Any:
    """Make a category, tag or venue with an address from its name. An equal one made meanwhile is returned."""
    row = model()
    _fill(row, fields)
    for _attempt in range(3):
        try:
            with transaction.atomic():
                row.pk, row.slug = None, free_slug(model, row.name, fallback=FALLBACK[model])
                row.save(force_insert=True)
                details = {"name": row.name, **made(name=row.name, slug=row.slug)}
                record(f"{FALLBACK[model]}.created", row, actor=actor, details=details, deliver=False)
                return row
        except IntegrityError:
            twin = model.objects.filter(name=row.name, address=row.address).first() if model is Venue else None
            if twin is not None:
                return twin
    raise InvalidInput(errors=[FieldError("name", "taken", _("Please choose another name."))])


@transaction.atomic
def change(row: Any, *, actor: Any, **fields: Any) -> Any:
    """Change what is given; the address stays, as others have linked to it."""
    before = {name: getattr(row, name) for name in fields}
    _fill(row, fields)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise InvalidInput(errors=[FieldError("name", "taken", _("There is one with this name already."))]) from None
    details = before_and_after(before, {name: getattr(row, name) for name in fields})
    record(f"{FALLBACK[type(row)]}.updated", row, actor=actor, details=details, deliver=False)
    return row


@transaction.atomic
def merge_venues(kept: Venue, others: Iterable[Venue], *, actor: Any) -> int:
    """Make one venue of several that mean the same place: events move to `kept`, the others go. Returns how many."""
    pks = [venue.pk for venue in others if venue.pk != kept.pk]
    others_gone = list(Venue.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
    for venue in others_gone:
        for name in ("city", "latitude", "longitude", "timezone", "capacity", "accessibility"):
            if getattr(kept, name) in (None, "") and getattr(venue, name) not in (None, ""):
                setattr(kept, name, getattr(venue, name))
        # One by one, not by update(): each event counts as changed, for calendars and for what is kept of its page.
        for event in venue.events.select_for_update(of=("self",)).order_by("pk"):
            event.venue = kept
            event.save(update_fields=["venue", "modified_at"])
        venue.delete()
    if others_gone:
        kept.save()
        merged = [f"{venue.name}, {venue.address}".rstrip(", ") for venue in others_gone]
        details = gone(venues=merged)
        record("venue.merged", kept, actor=actor, details=details, deliver=False)
    return len(others_gone)


@transaction.atomic
def delete(row: Any, *, actor: Any) -> None:
    """Delete it. Raises InUse while events have it as category or venue."""
    details = {"name": str(row), **gone(name=row.name, slug=row.slug)}
    record(f"{FALLBACK[type(row)]}.deleted", row, actor=actor, details=details, deliver=False)
    try:
        row.delete()
    except ProtectedError:
        raise InUse from None


def _fill(row: Any, fields: Mapping[str, Any]) -> None:
    errors: list[FieldError] = []
    for name, value in fields.items():
        field = row._meta.get_field(name)
        if name in ("latitude", "longitude"):
            value = _degrees(name, value, errors)
        elif name == "capacity":
            value = _places(value, errors)
        else:
            value = str(value or "").replace("\r\n", "\n").strip() if name == "accessibility" else _text(value)
            if len(value) > field.max_length:
                errors.append(FieldError(name, "too_long", _("At most %d characters.") % field.max_length))
            if value and name == "timezone":
                _check_zone(value, errors)
        setattr(row, name, value)
    if not row.name:
        errors.append(FieldError("name", "required", _("Give it a name.")))
    if errors:
        raise InvalidInput(errors=errors)


def _check_zone(value: str, errors: list[FieldError]) -> None:
    from tenant_apps.events.times import BadTime, zone_or_error

    try:
        zone_or_error(value)
    except BadTime as bad:
        errors.append(bad.error)


def _places(value: Any, errors: list[FieldError]) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
        errors.append(FieldError("capacity", "out_of_range", _("A whole number from 0 to %d.") % 10_000_000))
        return None
    return value


def _degrees(name: str, value: Any, errors: list[FieldError]) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        degrees = Decimal(str(value)).quantize(Decimal("0.000001"))
    except InvalidOperation:
        degrees = Decimal("NaN")
    most = 90 if name == "latitude" else 180
    if degrees.is_nan() or abs(degrees) > most:
        errors.append(FieldError(name, "out_of_range", _("A number of degrees, at most %d.") % most))
        return None
    return degrees


def _text(value: Any) -> str:
    return " ".join(str(value or "").split())
