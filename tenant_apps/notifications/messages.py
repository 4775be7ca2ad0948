"""A message that staff write to an event's people, or to one person.

Who gets it is written down when it begins, a row for each address. A worker takes some rows at a time: in one
transaction each becomes a message of the outbox (queue bulk) and the row says so. A kill at any point leaves rows that
wait and are taken up again, and outbox messages whose key was used already: each person gets it at most once (G4).
"""

import logging
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from shared_apps.core import limits
from shared_apps.core.database_errors import broke, retrying
from shared_apps.core.errors import Conflict, FieldError, InvalidInput, TooManyRequests
from shared_apps.core.faults import point
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.events.models import Event
from tenant_apps.notifications import channels as ways
from tenant_apps.notifications import message_words, segments, sms_accounts
from tenant_apps.notifications.models import Message, MessagePerson
from tenant_apps.notifications.sending import Notice, notify, notify_many
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, SMS
from tenant_apps.orders.models import Order
from tenant_apps.staff.actors import person_of
from tenant_apps.staff.models import Membership
from tenant_apps.ticketing.models import Ticket
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

CHANNELS = (EMAIL, FEED, PUSH, SMS)
USUAL = (EMAIL, FEED, PUSH)
BATCH = 200
WORK_SECONDS = 40.0
RESUME_AFTER = timedelta(minutes=1)
DAY_SECONDS = 24 * 3600
# Of the same words to the same people: a second press, a second colleague.
SAME_WITHIN = timedelta(hours=1)
DIRECT_A_DAY, DIRECT_TO_ONE = 500, 10
Row = MessagePerson.Status


class MessageRunning(Conflict):
    code = "message_running"
    message = _("A message to this event's people is being sent. Wait for its end, or stop it.")


class NobodyThere(Conflict):
    code = "nobody_there"
    message = _("Nobody would get this message.")


class SameMessage(Conflict):
    code = "message_repeated"
    message = _("The same message went to the same people less than an hour ago.")


class TooManyMessages(TooManyRequests):
    code = "message_limit"
    message = _("That is more than may be sent in a day.")


class ChannelsWanted(InvalidInput):
    code = "channels_invalid"
    message = _("Choose one of the ways by which messages are sent here.")


class Progress(NamedTuple):
    """How many people wait, were left out, are on their way by the outbox, have it, or could not be reached."""

    waiting: int
    left_out: int
    under_way: int
    sent: int
    failed: int
    total: int

    @property
    def ended(self) -> int:
        return self.left_out + self.sent + self.failed


def offered() -> tuple[str, ...]:
    """The ways by which staff may send here and now."""
    here = [name for name in CHANNELS if name == FEED or ways.channel(name) is not None]
    return tuple(name for name in here if name != SMS or sms_accounts.usable() is not None)


def checked_channels(given: Collection[str] | None) -> list[str]:
    """Return the channels in their order; none given means the usual ones. Raises ChannelsWanted."""
    known = offered()
    if given is None:
        return [name for name in known if name in USUAL]
    if not given or not set(given) <= set(known):
        raise ChannelsWanted(field="channels")
    return [name for name in known if name in given]


def start(
    event: Event,
    segment: segments.Segment,
    *,
    subject: str,
    text: str,
    channels: Collection[str] | None = None,
    actor: Any = None,
) -> Message:
    """Begin to send; who gets it is fixed from here on.

    Raises InvalidInput for words with unknown placeholders, NobodyThere, MessageRunning, SameMessage, TooManyMessages.
    """
    words = message_words.checked(subject, text)
    wanted = checked_channels(channels)
    try:
        return _begin(event, segment, words, wanted, actor)
    except IntegrityError as error:
        if not broke(error, "message_one_running"):
            raise
        raise MessageRunning from None


@transaction.atomic
def _begin(event: Event, segment: segments.Segment, words: Any, channels: list[str], actor: Any) -> Message:
    _one_at_a_time()
    now = timezone.now()
    told = {"subject": words.title, "text": words.body, "segment": segment.as_json(), "channels": channels}
    mine = Message.objects.filter(event=event)
    if mine.filter(status=Message.Status.RUNNING).exists():
        raise MessageRunning
    repeated = mine.filter(created_at__gt=now - SAME_WITHIN, **told).exclude(status=Message.Status.STOPPED)
    if repeated.exists():
        raise SameMessage
    person = person_of(actor)
    message = Message.objects.create(event=event, started_by=person.pk if person else None, **told)
    count = 0
    batch: list[MessagePerson] = []
    for ticket, order in segments.keys(event, segment):
        batch.append(MessagePerson(message=message, ticket_id=ticket, order_id=order))
        if len(batch) == 2000:
            count += len(MessagePerson.objects.bulk_create(batch))
            batch = []
    count += len(MessagePerson.objects.bulk_create(batch))
    if not count:
        raise NobodyThere
    _within_the_day(count, now, message)
    message.total = count
    message.save(update_fields=["total"])
    details = made(event=event.title, people=count, subject=words.title, channels=channels, **segment.as_json())
    record("message.started", message, actor=actor, details=details)
    return message


def _one_at_a_time() -> None:
    """Two starts in one tenant come one after the other, so that what they count is true."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"messages:{current_tenant().schema_name}"])


def _within_the_day(count: int, now: datetime, message: Message) -> None:
    since = now - timedelta(seconds=DAY_SECONDS)
    day = Message.objects.filter(created_at__gt=since, event__isnull=False).exclude(pk=message.pk)
    sums = day.aggregate(messages=Count("pk"), people=Sum("total"))
    too_many = sums["messages"] >= settings.MESSAGES_A_DAY
    if too_many or (sums["people"] or 0) + count > settings.MESSAGE_PEOPLE_A_DAY:
        raise TooManyMessages(retry_after=3600)


def to_person(
    user_id: int, *, subject: str, text: str, channels: Collection[str] | None = None, actor: Any = None
) -> Message:
    """Write to one person whom this organizer knows: a buyer, or somebody who works here.

    Raises InvalidInput for anybody else, as if there were no such person (N2), and for words; TooManyMessages.
    """
    person = known_person(user_id)
    if person is None:
        missing = _("There is no such person here.")
        raise InvalidInput(errors=[FieldError("user", "does_not_exist", missing)])
    words = message_words.checked(subject, text)
    wanted = checked_channels(channels)
    schema = current_tenant().schema_name
    for key, most in ((f"direct:{schema}", DIRECT_A_DAY), (f"direct:{schema}:{person.pk}", DIRECT_TO_ONE)):
        counted = limits.hit(key, most, DAY_SECONDS)
        if not counted.allowed:
            raise TooManyMessages(retry_after=counted.reset_after)
    with transaction.atomic():
        by = person_of(actor)
        now = timezone.now()
        message = Message.objects.create(
            person=person.pk, subject=words.title, text=words.body, channels=wanted, total=1,
            status=Message.Status.DONE, finished_at=now, started_by=by.pk if by else None,
        )  # fmt: skip
        recipient = message_words.recipient_of_user(person)
        notify(
            message_words.DIRECT,
            recipient,
            {**message_words.filled(words, recipient, None), "message": str(message.pk)},
            key=_key(message, "person"),
            url="/account/notifications/",
            channels=wanted,
        )
        details = made(person=person.pk, subject=words.title, channels=wanted)
        record("message.to_person", message, actor=actor, details=details, deliver=False)
    return message


def known_person(user_id: int) -> User | None:
    """Return the person if they bought here, hold a ticket, or work here."""
    person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None:
        return None
    confirmed = person.email_verified_at is not None
    here = (
        Order.objects.filter(user_id=person.pk).exists()
        or Membership.objects.filter(user_id=person.pk).exists()
        or (confirmed and Ticket.objects.filter(holder_email__iexact=person.email).exists())
    )
    return person if here else None


# --- The work ---------------------------------------------------------------------------------------------------------


def work(message: Message, *, seconds: float = WORK_SECONDS) -> bool:
    """Hand over what waits, some people at a time; True when nothing is left. Twice, or many at once, is once (G2)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        left = _hand_over(message.pk)
        point("message.batch")
        if not left:
            return True
    return False


@retrying
@transaction.atomic
def _hand_over(pk: Any) -> bool:
    """Take the next people in hand; False when none are left. Holds the message, so that stopping it waits for this."""
    message = Message.objects.select_for_update(no_key=True, of=("self",)).select_related("event").get(pk=pk)
    if message.status != Message.Status.RUNNING:
        return False
    rows = list(
        message.people.filter(status=Row.WAITING)
        .select_related("ticket__ticket_type", "ticket__order_line__order", "order")
        .order_by("pk")[:BATCH]
    )
    words = message_words.Words(message.subject, message.text, "")
    segment = segments.Segment.from_json(message.segment)
    taken, left_out, notices = [], [], []
    people = message_words.recipients(rows, segment)
    for row in rows:
        told = people.get(row.pk)
        if told is None:
            left_out.append(row.pk)
            continue
        taken.append(row.pk)
        values = {**message_words.filled(words, told.recipient, message.event, told), "message": str(message.pk)}
        notices.append(Notice(told.recipient, values, _key(message, row.pk), told.url))
    notify_many(message_words.TO_HOLDERS, notices, channels=message.channels, queue="bulk")
    MessagePerson.objects.filter(pk__in=taken).update(status=Row.HANDED_OVER)
    MessagePerson.objects.filter(pk__in=left_out).update(status=Row.LEFT_OUT)
    message.modified_at = timezone.now()
    if len(rows) < BATCH:
        message.status, message.finished_at = Message.Status.DONE, message.modified_at
        details = {"event": message.event.title if message.event else "", "people": message.total}
        record("message.finished", message, details=details, deliver=False)
    message.save(update_fields=["status", "finished_at", "modified_at"])
    return message.status == Message.Status.RUNNING


@transaction.atomic
def stop(message: Message, *, actor: Any = None) -> Message:
    """Send it to nobody else. Who has it, has it; what waits in the outbox is dropped. Twice is once."""
    message = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if message.status == Message.Status.STOPPED or message.event_id is None:
        return message
    if message.status == Message.Status.DONE and not _under_way(message).exists():
        return message
    before = message.status
    message.status, message.finished_at = Message.Status.STOPPED, timezone.now()
    message.save(update_fields=["status", "finished_at", "modified_at"])
    left = message.people.filter(status=Row.WAITING).update(status=Row.LEFT_OUT)
    details = {"left_out": left, **before_and_after({"status": before}, {"status": message.status})}
    record("message.stopped", message, actor=actor, details=details, deliver=False)
    return message


def is_wanted_still(values: Mapping[str, Any]) -> bool:
    """Asked just before one is sent: not if the message was stopped meanwhile."""
    return not Message.objects.filter(pk=values["message"], status=Message.Status.STOPPED).exists()


def progress(message: Message) -> Progress:
    """How far it is."""
    counts = dict(message.people.values_list("status").annotate(count=Count("pk")))
    handed = counts.get(Row.HANDED_OVER, 0)
    if message.event_id is None:
        handed = message.total
    open_ = _under_way(message).aggregate(
        failed=Count("pk", filter=Q(parked_at__isnull=False)), under_way=Count("pk", filter=Q(parked_at__isnull=True))
    )
    sent = max(0, handed - open_["failed"] - open_["under_way"])
    return Progress(
        waiting=counts.get(Row.WAITING, 0),
        left_out=counts.get(Row.LEFT_OUT, 0),
        under_way=open_["under_way"],
        sent=sent,
        failed=open_["failed"],
        total=message.total,
    )


def _under_way(message: Message) -> Any:
    """What of it the outbox has not delivered."""
    return OutboxMessage.objects.filter(
        topic__in=[f"notify.{message_words.TO_HOLDERS.name}", f"notify.{message_words.DIRECT.name}"],
        delivered_at__isnull=True,
        payload__key__startswith=_key(message, ""),
    )


def _key(message: Message, who: Any) -> str:
    return f"message:{message.pk}:{who}"


def unfinished() -> list[Message]:
    """Messages that nobody works on: their worker died, or its task was lost."""
    since = timezone.now() - RESUME_AFTER
    return list(Message.objects.filter(status=Message.Status.RUNNING, modified_at__lt=since))
