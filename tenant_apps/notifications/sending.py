"""Telling people: one call inside the change's transaction, then by every way that the person wants.

`notify` writes the line of the person's feed and one outbox message for each person; the relay hands that to `deliver`,
which sends by each channel at most once. One channel's failure repeats no other's: each has its own `Delivery`.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone, translation

from shared_apps.core.faults import point
from shared_apps.people.wishes import wants
from tenant_apps.activity import hints
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import DEFAULT, URGENT
from tenant_apps.notifications import wording
from tenant_apps.notifications.channels import Undeliverable, channel, email
from tenant_apps.notifications.models import Delivery, Notification, Suppression
from tenant_apps.notifications.topics import EMAIL, FEED, Recipient, Text, Topic, find, on_register, topic
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

# Before a topic's name, in the outbox: "event.cancelled" is what happened, "notify.event.cancelled" that one is told.
PREFIX = "notify."
# Rows of one INSERT.
BATCH = 500
_NAMES = uuid.UUID("6f0d7e0e-6f2b-4a3e-9d5f-2c1c6b0f7a51")


class Notice(NamedTuple):
    """One person, what stands in the topic's words for them, and the key under which it happens once."""

    recipient: Recipient
    values: Mapping[str, Any]
    key: str
    url: str = ""


def notify(
    topic_name: str | Topic,
    recipient: Recipient,
    values: Mapping[str, Any],
    *,
    key: str,
    url: str = "",
    aggregate: str | None = None,
    channels: Collection[str] | None = None,
    queue: str | None = None,
) -> None:
    """Tell one person something, in the caller's transaction. The same `key` twice has one effect, for good.

    `values` fill the topic's placeholders: text, or what JSON can hold. `url` is where to read on: a path of this site
    or a whole address. What shares an `aggregate` is sent in order; else each goes by itself. `channels` narrows those
    of the topic. `queue` other than the topic's own: "urgent", "default" or "bulk".
    """
    notify_many(topic_name, [Notice(recipient, values, key, url)], aggregate=aggregate, channels=channels, queue=queue)


def notify_many(
    topic_name: str | Topic,
    notices: Iterable[Notice],
    *,
    aggregate: str | None = None,
    channels: Collection[str] | None = None,
    queue: str | None = None,
) -> int:
    """Tell many people: as `notify`, two INSERTs for each 500 of them. Returns how many were taken in hand."""
    told = topic(topic_name) if isinstance(topic_name, str) else topic_name
    words: dict[str, wording.Words] = {}
    count = 0
    for batch in _batches(notices):
        rows = [_message(told, notice, aggregate, channels, queue) for notice in batch]
        with transaction.atomic():
            OutboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
            if FEED in told.channels:
                lines = [_line(told, notice, words) for notice in batch if notice.recipient.user_id is not None]
                Notification.objects.bulk_create(lines, ignore_conflicts=True)
        count += len(batch)
    if count:
        hints.deliver_soon(queue or _queue_of(told))
    return count


def message_id(key: str) -> uuid.UUID:
    """Return the id of the outbox message of that key: it follows from it, so a second one is not written."""
    return uuid.uuid5(_NAMES, key)


def deliver(message: OutboxMessage) -> None:
    """Send what a message of `notify` stands for, by each channel that is wanted and not done yet."""
    told = find(str(message.payload.get("topic", "")))
    if told is None:
        return
    recipient = Recipient(**message.payload["recipient"])
    values: Mapping[str, Any] = message.payload.get("values", {})
    if told.still is not None and not told.still(values):
        return
    only = message.payload.get("channels")
    _send_all(told, recipient, values, str(message.payload.get("url", "")), message, only=only)


def tell(
    message: OutboxMessage,
    topic_name: str,
    recipient: Recipient,
    values: Mapping[str, Any],
    *,
    url: str = "",
    mail: Callable[[Text], email.Mail] | None = None,
    insist: bool = False,
    mailed_as: str = EMAIL,
) -> None:
    """For subscribers: tell one person what follows from a message of the outbox, by their feed and every channel.

    `mail` builds the mail where it has more in it than the words; it is called with them, in the reader's language,
    and only if the mail is to be sent. `insist`: staff asked for it by hand, so wishes do not count. `mailed_as`
    tells two mails that follow from one message apart.
    """
    told = topic(topic_name)
    if FEED in told.channels and recipient.user_id is not None:
        line = _line(told, Notice(recipient, values, "", url), {}, pk=message.id)
        Notification.objects.bulk_create([line], ignore_conflicts=True)
    _send_all(told, recipient, values, url, message, mail=mail, insist=insist, mailed_as=mailed_as)


class NotDelivered(Exception):
    """Some channel failed; it is tried again."""


def wanted(told: Topic, channel_name: str, recipient: Recipient) -> bool:
    """Tell whether the person wants the topic by that channel: by their account's wishes, and for mail by what they
    said through the link in it. What is fixed is always wanted."""
    if told.fixed:
        return True
    if channel_name == EMAIL and suppressed(recipient.email, told):
        return False
    return wants(recipient.user_id, told.wished_as, channel_name)


def suppressed(address: str, told: Topic) -> bool:
    """Tell whether that address wants no more mail of the topic from this tenant."""
    return Suppression.objects.filter(address=address.strip().lower(), topic=told.wished_as).exists()


# --- Inside ------------------------------------------------------------------------------------------------------


def _batches(notices: Iterable[Notice]) -> Iterator[list[Notice]]:
    rest = iter(notices)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _message(
    told: Topic, notice: Notice, aggregate: str | None, channels: Collection[str] | None, queue: str | None
) -> OutboxMessage:
    pk = message_id(notice.key)
    payload: dict[str, Any] = {
        "topic": told.name,
        "key": notice.key,
        "recipient": notice.recipient.__dict__,
        "values": {name: value if _is_json(value) else str(value) for name, value in notice.values.items()},
        "url": notice.url,
    }
    if channels is not None:
        payload["channels"] = sorted(channels)
    return OutboxMessage(
        id=pk,
        topic=f"{PREFIX}{told.name}"[:60],
        aggregate=(aggregate or f"notice:{pk}")[:100],
        payload=payload,
        queue=queue or _queue_of(told),
    )


def _queue_of(told: Topic) -> str:
    return URGENT if told.urgent else DEFAULT


def _is_json(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)


def _send_all(
    told: Topic,
    recipient: Recipient,
    values: Mapping[str, Any],
    url: str,
    message: OutboxMessage,
    *,
    only: Collection[str] | None = None,
    mail: Callable[[Text], email.Mail] | None = None,
    insist: bool = False,
    mailed_as: str = EMAIL,
) -> None:
    """Every channel is tried; if any failed, the failures are raised together and the relay comes again."""
    ways = {name: channel(name) for name in told.channels if only is None or name in only}
    open_ = {name: way for name, way in ways.items() if way is not None and way.reaches(recipient)}
    sent = Delivery.objects.filter(message_id=message.id, sent_at__isnull=False).values_list("channel", flat=True)
    done = set(sent) if open_ else set()
    open_ = {
        name: way
        for name, way in open_.items()
        if (mailed_as if name == EMAIL else name) not in done and (insist or wanted(told, name, recipient))
    }
    if not open_:
        return
    language = wording.known_language(recipient.language, current_tenant().language)
    said = _filled(told, recipient, values, url)
    problems = []
    for name, way in open_.items():
        sent_as = mailed_as if name == EMAIL else name
        delivery, _ = Delivery.objects.get_or_create(
            message_id=message.id, channel=sent_as, defaults={"topic": told.name}
        )
        if delivery.sent_at is not None:
            continue
        text = Text(said.title, said.body, said.short, url, f"{message.id}.{sent_as}", message.id)
        try:
            with translation.override(language):
                if name == EMAIL and mail is not None:
                    email.post(mail(text), text)
                else:
                    way.send(told, recipient, text)
        except Undeliverable as reason:
            logger.info("notification_undeliverable", extra={"topic": told.name, "channel": name, "why": str(reason)})
        except Exception as error:  # whatever one channel raises must not keep the others from sending
            logger.warning(
                "notification_channel_failed",
                exc_info=True,
                extra={"topic": told.name, "channel": name, "message_id": str(message.id)},
            )
            problems.append(f"{name}: {type(error).__name__}: {error}")
            continue
        Delivery.objects.filter(pk=delivery.pk).update(sent_at=timezone.now())
        if name == EMAIL:
            point("mail.recorded")
    if problems:
        raise NotDelivered("; ".join(problems))


def _line(told: Topic, notice: Notice, words: dict[str, wording.Words], pk: uuid.UUID | None = None) -> Notification:
    """The line of the person's feed, in their language and the tenant's words."""
    recipient = notice.recipient
    assert recipient.user_id is not None
    said = _filled(told, recipient, notice.values, notice.url, words)
    return Notification(
        id=pk or message_id(notice.key),
        user_id=recipient.user_id,
        topic=told.name,
        title=said.title[:300],
        body=said.body,
        url=notice.url[:500],
        created_at=timezone.now(),
    )


def _filled(
    told: Topic,
    recipient: Recipient,
    values: Mapping[str, Any],
    url: str,
    words: dict[str, wording.Words] | None = None,
) -> wording.Words:
    tenant = current_tenant()
    language = wording.known_language(recipient.language, tenant.language)
    known = {} if words is None else words
    if language not in known:
        known[language] = wording.words_of(told, language)
    with translation.override(language):
        return wording.filled(known[language], told, wording.complete(values, tenant, recipient.name, url))


on_register(lambda told: (subscribe(f"{PREFIX}{told.name}"[:60])(deliver), None)[1])
