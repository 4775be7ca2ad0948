"""What is held about people for telling them things: their feed, and who wants no more mail (P3)."""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.notifications.models import Notification, Suppression


def _feed(person: Person) -> Rows:
    mine = Notification.objects.filter(user_id=person.user_id).order_by("created_at", "id")
    return mine.values("topic", "title", "body", "url", "created_at", "read_at")


def _end_feed(person: Person) -> int:
    """A line of somebody else's feed may name them by their address; their own feed goes."""
    changed = Notification.objects.filter(user_id=person.user_id).delete()[0]
    if person.email:
        for line in Notification.objects.filter(body__icontains=person.email).iterator():
            line.title, line.body = person.scrubbed(line.title), person.scrubbed(line.body)
            line.save(update_fields=["title", "body"])
            changed += 1
    return changed


def _refused(person: Person) -> Rows:
    return Suppression.objects.filter(address=person.email).values("topic", "created_at") if person.email else ()


def _end_refused(person: Person) -> int:
    """Nothing is sent to an address that is nobody's any more."""
    return Suppression.objects.filter(address=person.email).delete()[0] if person.email else 0


hold(
    "notifications", "notifications.Notification", {"user_id", "title", "body", "url"},
    export=_feed, erase=_end_feed, order=20,
)  # fmt: skip
hold("unsubscribed", "notifications.Suppression", {"address"}, export=_refused, erase=_end_refused, order=20)
harmless(
    "notifications.Sender", {"name", "reply_to", "address", "host", "username", "sealed"},
    "the organizer's own address and mail server",
)  # fmt: skip
harmless(
    "notifications.Wording", {"title", "body", "short", "language"}, "the organizer's own words, the same for everybody"
)
