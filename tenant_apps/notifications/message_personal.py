"""What messages and devices hold about people (P3). Who got a message is known by their ticket or order alone."""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.notifications.models import Message, PushSubscription


def _devices(person: Person) -> Rows:
    rows = PushSubscription.objects.filter(user_id=person.user_id).order_by("created_at")
    return rows.values("device", "endpoint", "created_at")


def _end_devices(person: Person) -> int:
    return PushSubscription.objects.filter(user_id=person.user_id).delete()[0]


def _messages(person: Person) -> Rows:
    rows = Message.objects.filter(person=person.user_id).order_by("created_at")
    return rows.values("subject", "text", "channels", "created_at")


def _end_messages(person: Person) -> int:
    """That something was written stays; what and to whom goes."""
    return Message.objects.filter(person=person.user_id).update(person=None, subject="", text="")


hold("devices", "notifications.PushSubscription", {"user", "endpoint", "auth"}, export=_devices, erase=_end_devices)
hold("messages", "notifications.Message", {"person", "text"}, export=_messages, erase=_end_messages)
harmless("notifications.Message", {"started_by"}, "the id of a row that names nobody once it is erased")
harmless("notifications.Message", {"segment"}, "choices about an event: ticket types, whether people came")
harmless("notifications.MessagePerson", {"message"}, "which message it is")
harmless("notifications.SmsAccount", {"sealed"}, "the tenant's own key at a service")
