"""Rights of people on single events. Nothing else here is about a person: venues are places, categories words."""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.events.models import EventUserPermission


def _grants(person: Person) -> Rows:
    rows = EventUserPermission.objects.filter(user_id=person.user_id).order_by("pk")
    return rows.values("content_object__title", "permission__codename")


def _end_grants(person: Person) -> int:
    return EventUserPermission.objects.filter(user_id=person.user_id).delete()[0]


hold("grants", "events.EventUserPermission", {"user"}, export=_grants, erase=_end_grants, order=40)
harmless("events.Event", {"timezone", "refund_tiers"}, "where it is held, and what comes back of its price")
harmless("events.Venue", {"timezone"}, "where it is")
harmless("events.Category", {"name"}, "a kind of event")
harmless("events.Tag", {"name"}, "a word that events are found by")
harmless("events.Venue", {"name", "address", "city"}, "a place that is open to the public")
harmless("events.EventSeries", {"timezone"}, "where it is held")
harmless("events.BringItem", {"name"}, "a thing to bring along")
harmless("events.ProgramItem", {"speaker"}, "who speaks in public, by the organizer's announcement")
harmless(
    "events.Event", {"contact_name", "contact_email", "contact_phone"}, "the organizer's contact, made public by it"
)
