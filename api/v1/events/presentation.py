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
from tenant_apps.ticketing.prices import Tier, includes_tax, price_now, tier_now, tiers_of, told_stock, with_tax
from tenants.context import current_tenant
from tenants.preferences import preference


def named_json(row: Category | Tag | Venue) -> dict[str, Any]:
    return {"id": row.pk, "slug": row.slug, "name": row.name}


def venue_json(venue: Venue) -> dict[str, Any]:
    return {
        **named_json(venue),
        "address": venue.address,
        "city": venue.city,
        "latitude": None if venue.latitude is None else str(venue.latitude),
        "longitude": None if venue.longitude is None else str(venue.longitude),
        "timezone": venue.timezone,
        "capacity": venue.capacity,
        "accessibility": venue.accessibility,
    }


def ticket_type_json(
    ticket_type: TicketType, event: Event, now: datetime | None = None, *, for_staff: bool = False
) -> dict[str, Any]:
    """One ticket type, loaded by `with_places` and `with_tiers`. Staff see the stock that buyers are not told of."""
    now = now or timezone.now()
    currency = event.currency
    tiers = tiers_of(ticket_type)
    tier = tier_now(tiers, now)
    price = tier.price_minor if tier else ticket_type.price_minor
    included = includes_tax(ticket_type, preference(current_tenant(), "prices_include_tax"))
    suggested = ticket_type.suggested_price_minor
    places = places_left(ticket_type)
    return {
        "id": ticket_type.pk,
        "name": ticket_type.name,
        "description": ticket_type.description,
        "price": to_text(price, currency),
        "currency": currency,
        "price_kind": ticket_type.price_kind,
        "regular_price": to_text(ticket_type.price_minor, currency),
        "suggested_price": None if suggested is None else to_text(suggested, currency),
        "total_price": to_text(with_tax(price, ticket_type.tax_rate, included=included), currency),
        "tier": None if tier is None else tier.id,
        "tiers": [_tier_json(each, currency, for_staff) for each in tiers],
        "tax_rate": f"{ticket_type.tax_rate:f}",
        "tax_included": included,
        "sale_starts_at": ticket_type.sale_starts_at,
        "sale_ends_at": ticket_type.sale_ends_at,
        "min_per_order": ticket_type.min_per_order,
        "max_per_order": ticket_type.max_per_order,
        "max_per_person": ticket_type.max_per_person,
        "hidden": ticket_type.hidden,
        "position": ticket_type.position,
        "available": places if for_staff else told_stock(places, ticket_type.show_stock_below),
        "sold_out": places is not None and places < ticket_type.min_per_order,
        "show_stock_below": ticket_type.show_stock_below,
        "cancel_allowed": ticket_type.cancel_allowed,
        "cancel_until": ticket_type.cancel_until,
        "transfer_allowed": ticket_type.transfer_allowed,
        "transfer_until": ticket_type.transfer_until,
        "waiting_list": ticket_type.waiting_list,
        "on_sale": event.takes_orders(now) and ticket_type.in_sale_window(now),
        **({"door_note": ticket_type.door_note} if for_staff else {}),
    }


def _tier_json(tier: Tier, currency: str, for_staff: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": tier.id,
        "name": tier.name,
        "price": to_text(tier.price_minor, currency),
        "currency": currency,
        "until": tier.until,
        "left": tier.left,
    }
    return shown | {"quantity": tier.quantity} if for_staff else shown


def places_left(ticket_type: TicketType) -> int | None:
    """How many are left of a ticket type loaded by `with_places`; None means unlimited."""
    places: int | None = ticket_type.places  # type: ignore[attr-defined]  # an annotation of with_places
    return None if places is None else max(0, places)


def event_json(event: Event, now: datetime | None = None, *, hidden: bool = False) -> dict[str, Any]:
    """One event, loaded by `for_show` and `with_ticket_types`; hidden types show only if asked for."""
    now = now or timezone.now()
    types = [one for one in event.ticket_types.all() if hidden or not one.hidden]
    prices = [price_now(one, now) for one in types if not one.hidden]
    shown = [ticket_type_json(one, event, now, for_staff=hidden) for one in types]
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
        "tags": event.tag_list,  # type: ignore[attr-defined]  # an annotation of for_show
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
        "available": any(one["on_sale"] and not one["hidden"] and not one["sold_out"] for one in shown),
        **standing_json(event),
        "media": [picture_json("events", one) for one in event.picture_list],  # type: ignore[attr-defined]  # an annotation of the queryset
        "ticket_types": shown,
        "created_at": event.created_at,
        "modified_at": event.modified_at,
    }


def standing_json(event: Event) -> dict[str, Any]:
    """How the event stands with people, by its counters; loaded with its standing."""
    # None for the moment in which an event that was written set-wise has no counters yet.
    standing = getattr(event, "standing", None)
    if standing is None:
        return {"rating": None, "reviews_count": 0, "likes": 0}
    rating = None if standing.rating is None else str(standing.rating)
    return {"rating": rating, "reviews_count": standing.ratings, "likes": standing.likes}


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
