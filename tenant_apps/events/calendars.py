"""Events as calendars (RFC 5545): of one event, or of all that somebody wants to follow.

An entry keeps its UID for ever, and its SEQUENCE is the event's revision, so that a calendar that has it already
replaces it when it changes. An event that was called off stays in the feed, with STATUS:CANCELLED: an entry that
just went missing would be kept by the calendars that have it.
"""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import strip_tags
from django.utils.translation import gettext
from icalendar import Calendar
from icalendar import Event as Entry

from tenant_apps.events.models import Event
from tenants import links
from tenants.context import current_tenant

CONTENT_TYPE = "text/calendar; charset=utf-8"
# How often a calendar that follows the feed should ask again.
REFRESH = timedelta(hours=1)
LONGEST_DESCRIPTION = 2000
# A name space of our own for UIDs (RFC 9562, 5.5); never to be changed.
_NAMES = uuid.UUID("6f0b5a5e-6a43-5c38-9c53-0f2f3c9a7d11")
_STATUS = {Event.Status.CANCELLED: "CANCELLED", Event.Status.POSTPONED: "TENTATIVE"}


def calendar(events: Iterable[Any], *, name: str = "") -> bytes:
    """Return the calendar of these events, loaded with their venue and category; named as the tenant by default.

    Times are local times of the event's zone, and the zones that are used are described in the file.
    """
    tenant = current_tenant()
    # A name is one line, and the library refuses another (RFC 5545, 3.1).
    name = " ".join((name or tenant.name).split())
    made = Calendar()
    made.add("prodid", "-//Foyer//Events//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("name", name)
    made.add("x-wr-calname", name)
    made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT1H")
    for event in events:
        made.add_component(_entry(event, tenant))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def uid_of(event: Any, tenant: Any) -> str:
    """Return the entry's name: the same whatever the event's address or the tenant's host become."""
    return str(uuid.uuid5(_NAMES, f"{tenant.schema_name}/{event.pk}"))


def _entry(event: Any, tenant: Any) -> Entry:
    zone = ZoneInfo(event.timezone)
    address = links.url(tenant, f"/events/{event.slug}/")
    entry = Entry()
    entry.add("uid", uid_of(event, tenant))
    entry.add("sequence", event.revision)
    # Of what the feed says, not of when it was asked: the same events make the same bytes, and the same ETag.
    entry.add("dtstamp", event.modified_at)
    entry.add("created", event.created_at)
    entry.add("last-modified", event.modified_at)
    entry.add("dtstart", event.starts_at.astimezone(zone))
    if event.ends_at:
        entry.add("dtend", event.ends_at.astimezone(zone))
    entry.add("summary", event.title)
    text = " ".join(strip_tags(event.description.replace("<", " <")).split())[:LONGEST_DESCRIPTION]
    entry.add("description", "\n\n".join(part for part in (event.summary, text, address) if part))
    entry.add("url", address)
    entry.add("status", _STATUS.get(event.status, "CONFIRMED"))
    entry.add("transp", "TRANSPARENT" if event.status == Event.Status.CANCELLED else "OPAQUE")
    if event.attendance == Event.Attendance.ONLINE:
        # Its link is for holders of tickets, and stands on theirs.
        entry.add("location", gettext("Online"))
    elif event.venue:
        place = [event.venue.name, event.venue.address, event.venue.city]
        entry.add("location", ", ".join(dict.fromkeys(part for part in place if part)))
        if event.venue.latitude is not None and event.venue.longitude is not None:
            entry.add("geo", (float(event.venue.latitude), float(event.venue.longitude)))
    if event.category:
        entry.add("categories", [event.category.name])
    return entry
