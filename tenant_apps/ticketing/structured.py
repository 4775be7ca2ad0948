"""An event as search engines read it: schema.org's Event in JSON-LD, as Google's guidelines ask for it.

All of it is what the page says too: what is sold out is not InStock, and what was called off is not scheduled.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import strip_tags

from shared_apps.core.clock import local
from shared_apps.core.money import to_text
from shared_apps.core.pictures import sources
from tenant_apps.events.models import Event
from tenant_apps.ticketing.offers import EventOffer, Offer
from tenants import links

_SPACE = "https://schema.org/"
_AVAILABILITY = {"on_sale": "InStock", "not_yet": "PreOrder", "sold_out": "SoldOut"}
_MODES = {
    Event.Attendance.ONSITE: "OfflineEventAttendanceMode",
    Event.Attendance.ONLINE: "OnlineEventAttendanceMode",
    Event.Attendance.MIXED: "MixedEventAttendanceMode",
}
LONGEST_DESCRIPTION = 5000


def event_data(event: Any, offer: EventOffer, tenant: Any, now: datetime | None = None) -> dict[str, Any]:
    """Return the event with its offers; loaded `with_pictures` and its standing; `offer` is what is shown."""
    now = now or timezone.now()
    address = links.url(tenant, f"/events/{event.slug}/")
    before = event.previous_starts_at
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": address,
        "name": event.title,
        "url": address,
        "startDate": _time(event.starts_at, event),
        "eventStatus": _SPACE + _status(event, before),
        "eventAttendanceMode": _SPACE + _mode(event),
        "location": _location(event, address),
        "organizer": {"@type": "Organization", "name": tenant.name, "url": links.url(tenant, "/")},
    }
    text = event.summary or " ".join(strip_tags(event.description.replace("<", " <")).split())[:LONGEST_DESCRIPTION]
    if text:
        data["description"] = text
    if pictures := [sources("events", each, "jpg")[-1].address for each in event.picture_list]:
        data["image"] = [links.url(tenant, each) for each in pictures]
    if event.ends_at:
        data["endDate"] = _time(event.ends_at, event)
    if before is not None and event.status != Event.Status.CANCELLED:
        data["previousStartDate"] = _time(before, event)
    standing = getattr(event, "standing", None)
    if standing is not None and standing.ratings:
        # What the page says too: the mean of people who were there, and of how many.
        data["aggregateRating"] = {
            "@type": "AggregateRating", "ratingValue": str(standing.rating), "bestRating": "5",
            "worstRating": "1", "ratingCount": standing.ratings,
        }  # fmt: skip
    if offers := [_offer(each, event, address, now) for each in offer.offers if not each.ticket_type.hidden]:
        data["offers"] = offers
    return data


def _status(event: Any, before: datetime | None) -> str:
    """Postponed to a time that is known is "rescheduled" in schema.org's words; without one it is "postponed"."""
    if event.status == Event.Status.CANCELLED:
        return "EventCancelled"
    if before is not None:
        return "EventRescheduled"
    return "EventPostponed" if event.status == Event.Status.POSTPONED else "EventScheduled"


def _mode(event: Any) -> str:
    return _MODES[event.attendance]


def _location(event: Any, address: str) -> Any:
    """The place, the page itself for what is online (its link is for holders of tickets), or both."""
    # Who comes in by the page of the event: the address of the stream is not told to everybody.
    virtual = {"@type": "VirtualLocation", "url": address}
    mode = _mode(event)
    if mode.startswith("Online"):
        return virtual
    venue = event.venue
    place: dict[str, Any] = {"@type": "Place", "name": venue.name if venue else event.title}
    if venue is None:
        place["address"] = {"@type": "PostalAddress"}
    else:
        given = {"streetAddress": venue.address, "addressLocality": venue.city}
        place["address"] = {"@type": "PostalAddress", **{name: text for name, text in given.items() if text}}
        if venue.latitude is not None and venue.longitude is not None:
            coordinates = {"latitude": float(venue.latitude), "longitude": float(venue.longitude)}
            place["geo"] = {"@type": "GeoCoordinates", **coordinates}
    return [place, virtual] if mode.startswith("Mixed") else place


def _offer(offer: Offer, event: Any, address: str, now: datetime) -> dict[str, Any]:
    ticket_type = offer.ticket_type
    found: dict[str, Any] = {
        "@type": "Offer",
        "name": ticket_type.name,
        "url": f"{address}#tickets",
        # What it costs at this moment, with its tax: schema.org's price is what one pays.
        "price": to_text(offer.total_minor, event.currency),
        "priceCurrency": event.currency,
        # What is no longer sold for another reason than that it is gone is not to be had either.
        "availability": _SPACE + _AVAILABILITY.get(offer.state, "OutOfStock"),
        "validFrom": _time(ticket_type.sale_starts_at or event.created_at, event),
    }
    if ticket_type.sale_ends_at:
        found["validThrough"] = _time(ticket_type.sale_ends_at, event)
    return found


def _time(moment: datetime, event: Any) -> str:
    """Local time with its offset, as Google asks for."""
    return local(moment, event.timezone).isoformat(timespec="seconds")
