"""Which notifications a person wants, by topic and channel, for all tenants.

The apps that send say what there is (`offer`), from `ready()`; only what differs from the default is a row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.people.errors import AlwaysSent, UnknownTopic
from shared_apps.people.models import NotificationPreference


@dataclass(frozen=True)
class Topic:
    """One kind of message on one channel. `fixed`: it belongs to what was bought and cannot be switched off."""

    topic: str
    channel: str
    label: Any
    default: bool = True
    fixed: bool = False


_topics: dict[tuple[str, str], Topic] = {}


def offer(topic: str, channel: str, label: Any, *, default: bool = True, fixed: bool = False) -> None:
    """Name a kind of message that people get. Called once each, by the app that sends it."""
    _topics[topic, channel] = Topic(topic, channel, label, default, fixed)


def wants(user_id: int | None, topic: str, channel: str) -> bool:
    """Tell whether to send. Guests have no wishes: they get what belongs to their order."""
    known = _topics[topic, channel]
    if known.fixed or user_id is None:
        return True
    rows = NotificationPreference.objects.filter(user_id=user_id, topic=topic, channel=channel)
    chosen = rows.values_list("enabled", flat=True).first()
    return known.default if chosen is None else bool(chosen)


def wishes_of(user: User) -> list[dict[str, Any]]:
    """Return every kind of message with what holds for this person; one statement."""
    rows = NotificationPreference.objects.filter(user=user).values_list("topic", "channel", "enabled")
    chosen = {(topic, channel): enabled for topic, channel, enabled in rows}
    return [
        {
            "topic": known.topic,
            "channel": known.channel,
            "label": str(known.label),
            "enabled": known.fixed or chosen.get(key, known.default),
            "fixed": known.fixed,
        }
        for key, known in _topics.items()
    ]


def change_wishes(user: User, wishes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Switch kinds of messages on or off, all or none; returns what holds. Raises InvalidInput, naming each fault."""
    errors, rows = [], []
    for index, wish in enumerate(wishes):
        known = _topics.get((wish["topic"], wish["channel"]))
        if known is None:
            errors.append(FieldError(f"preferences.{index}.topic", UnknownTopic.code, UnknownTopic.message))
        elif known.fixed and not wish["enabled"]:
            errors.append(FieldError(f"preferences.{index}.enabled", AlwaysSent.code, AlwaysSent.message))
        elif not known.fixed:
            rows.append(
                NotificationPreference(user=user, topic=known.topic, channel=known.channel, enabled=wish["enabled"])
            )
    if errors:
        raise InvalidInput(_("Some of what was sent is not valid."), errors=errors)
    # The last word on a topic counts; one INSERT takes no row twice.
    unique = {(row.topic, row.channel): row for row in rows}
    with transaction.atomic():
        NotificationPreference.objects.bulk_create(
            unique.values(),
            update_conflicts=True,
            unique_fields=["user", "topic", "channel"],
            update_fields=["enabled"],
        )
    return wishes_of(user)
