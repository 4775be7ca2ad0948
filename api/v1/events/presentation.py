"""Events as JSON. Plain functions on rows that were read set-wise: a page costs the same statements as one event."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from shared_apps.core.money import to_text
from shared_apps.core.pictures import picture_json
from tenant_apps.events import refunds
from tenant_apps.events.models import Category, Event, Tag, Venue
from tenant_apps.ticketing.models import TicketType


def named_json(row: Category | Tag) -> dict[str, Any]:
    return {"id": row.pk, "slug": row.slug, "name": row.name}


def venue_json(venue: Venue) -> dict[str, Any]:
    return {
        **named_json(venue),  # type: ignore[arg-type]
        "address": venue.address,
        "city": venue.city,
        "latitude": None if venue.latitude is None else str(venue.latitude),
        "longitude": None if venue.longitude is None else str(venue.longitude),
        "timezone": venue.timezone,
        "capacity": venue.capacity,
        "accessibility": venue.accessibility,
    }


def ticket_type_json(ticket_type: TicketType, event: Event, now: datetime | None = None) -> dict[str, Any]:
    """One ticket type, loaded by `with_places`."""
    now = now or timezone.now()
    return {
        "id": ticket_type.pk,
        "name": ticket_type.name,
        "description": ticket_type.description,
        "price": to_text(ticket_type.price_minor, event.currency),
        "currency": event.currency,
        "tax_rate": f"{ticket_type.tax_rate:f}",
        "sale_starts_at": ticket_type.sale_starts_at,
        "sale_ends_at": ticket_type.sale_ends_at,
        "min_per_order": ticket_type.min_per_order,
        "max_per_order": ticket_type.max_per_order,
        "hidden": ticket_type.hidden,
        "position": ticket_type.position,
        "available": places_left(ticket_type),
        "on_sale": event.takes_orders(now) and ticket_type.in_sale_window(now),
    }


def places_left(ticket_type: TicketType) -> int | None:
    """How many are left of a ticket type loaded by `with_places`; None means unlimited."""
    places: int | None = ticket_type.places  # type: ignore[attr-defined]
    return None if places is None else max(0, places)


def event_json(event: Event, now: datetime | None = None, *, hidden: bool = False) -> dict[str, Any]:
    """One event, loaded by `for_show` and `with_ticket_types`; hidden types show only if asked for."""
    now = now or timezone.now()
    types = [one for one in event.ticket_types.all() if hidden or not one.hidden]
    prices = [one.price_minor for one in types if not one.hidden]
    shown = [ticket_type_json(one, event, now) for one in types]
    return {
        "id": event.pk,
        "slug": event.slug,
        "title": event.title,
        "summary": event.summary,
        "description": event.description,
        "status": event.status,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "timezone": event.timezone,
        "category": named_json(event.category) if event.category else None,
        "venue": venue_json(event.venue) if event.venue else None,
        "tags": event.tag_list,  # type: ignore[attr-defined]
        "level": event.level,
        "cancel_until": event.cancel_until,
        "attendance": event.attendance,
        **({"online_url": event.online_url} if hidden else {}),
        "contact": {name: getattr(event, f"contact_{name}") for name in ("name", "email", "phone", "url")},
        "previous_starts_at": event.previous_starts_at,
        "refund_rule": refund_rule_json(event),
        "series": event.series_id,
        "currency": event.currency,
        "price_from": to_text(min(prices), event.currency) if prices else None,
        "price_to": to_text(max(prices), event.currency) if prices else None,
        "available": any(_buyable(one) for one in shown),
        "rating": None,
        "reviews_count": 0,
        "likes": 0,
        "media": [picture_json("events", one) for one in event.picture_list],  # type: ignore[attr-defined]
        "ticket_types": shown,
        "created_at": event.created_at,
        "modified_at": event.modified_at,
    }


def refund_rule_json(event: Event) -> dict[str, Any]:
    """What comes back to who cancels; the tenant's rule where the event has none of its own."""
    tiers = refunds.tiers_of(event)
    return {
        "own": event.refund_tiers is not None,
        "tiers": None if tiers is None else [{"days": tier.days, "percent": tier.percent} for tier in tiers],
        "words": refunds.in_words(event),
    }


def events_json(events: Iterable[Event]) -> list[dict[str, Any]]:
    now = timezone.now()
    return [event_json(event, now) for event in events]


def _buyable(shown: dict[str, Any]) -> bool:
    """Whether the smallest order of the ticket type can be placed now."""
    left = shown["available"]
    return bool(shown["on_sale"] and not shown["hidden"] and (left is None or left >= shown["min_per_order"]))
