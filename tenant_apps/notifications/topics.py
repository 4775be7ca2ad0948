"""What people are told of: each topic with the ways it goes, its words, and the placeholders those words may have.

The words are plain text with `{placeholders}` of the topic's closed list (B8): never templates that do something.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

EMAIL, SMS, PUSH, FEED = "email", "sms", "push", "feed"
# What a topic may name besides its own: the reader's greeting and name, the site, and where to read on.
ALWAYS = ("greeting", "name", "site", "url")


@dataclass(frozen=True)
class Recipient:
    """Whom something is told. `user_id` None is a guest; an empty address or number means that there is none."""

    user_id: int | None = None
    email: str = ""
    phone: str = ""
    name: str = ""
    language: str = ""


@dataclass(frozen=True)
class Text:
    """What is said, in the reader's language and filled in. `short` is for where every character counts."""

    title: str
    body: str
    short: str
    url: str = ""
    # The same for every try: what has it already can drop the second.
    key: str = ""
    # The outbox message that it follows from.
    message_id: uuid.UUID | None = None

    @property
    def subject(self) -> str:
        """The title, as mail calls it."""
        return self.title


@dataclass(frozen=True)
class Topic:
    """One kind of thing that people are told.

    `channels` it goes by, where the person wants it. `urgent`: it leaves before everything else. `fixed`: it belongs to
    what was bought or agreed and cannot be switched off. `staff`: for people who work here. `title`, `body` and `short`
    are our words, which a tenant may replace; without `short`, the title is sent where every character counts.
    """

    name: str
    label: Any
    channels: tuple[str, ...] = (EMAIL, FEED)
    urgent: bool = False
    fixed: bool = False
    placeholders: tuple[str, ...] = ()
    title: Any = ""
    body: Any = ""
    short: Any = ""
    staff: bool = False
    # What each placeholder looks like, for the preview; `SAMPLES` has those that many topics share.
    samples: Mapping[str, Any] | None = None
    # What a person wants of another topic holds for this one too: parts of one thing are one wish.
    wish: str = ""
    # Not among people's wishes: for who need have no account here.
    hidden: bool = False
    # A tenant may put it in its own words.
    editable: bool = True
    # Asked with the values just before it is sent: False drops it without a word, for what was settled meanwhile.
    still: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Every placeholder that the words may have."""
        return tuple(dict.fromkeys((*ALWAYS, *self.placeholders)))

    @property
    def wished_as(self) -> str:
        """The topic that people switch on and off."""
        return self.wish or self.name


_topics: dict[str, Topic] = {}
_listeners: list[Callable[[Topic], None]] = []


def register(topic: Topic) -> Topic:
    """Make a topic known; from modules that the app's `ready()` imports."""
    _topics[topic.name] = topic
    for listener in _listeners:
        listener(topic)
    return topic


def on_register(listener: Callable[[Topic], None]) -> None:
    """Call the function with every topic, those that are known and those to come."""
    _listeners.append(listener)
    for topic in _topics.values():
        listener(topic)


def topic(name: str) -> Topic:
    """Return the topic. Raises KeyError for a name that nobody registered."""
    return _topics[name]


def find(name: str) -> Topic | None:
    """Return the topic, or None."""
    return _topics.get(name)


def all_topics() -> Iterable[Topic]:
    """Return every topic, in the order in which they were made known."""
    return tuple(_topics.values())


SAMPLES: Mapping[str, Any] = {
    "greeting": _("Hello Ada,"),
    "name": "Ada Lovelace",
    "site": _("Your site"),
    "url": "https://example.org/",
    "event": _("Summer concert"),
    "starts": _("Monday, 21 June 2027, 19:00"),
    "was": _("Sunday, 20 June 2027, 19:00"),
    "venue": _("Town hall"),
    "changes": _("New place: Town hall"),
    "reason": _("The hall is closed."),
    "code": "K7Q2M",
    "total": "€48.00",
    "amount": "€24.00",
    "quantity": "2",
    "count": "2",
    "ticket_type": _("Standard"),
    "until": _("21 June 2027, 12:00"),
    "day": "21.06.2027",
    "carrier": "DHL",
    "tracking": "00340434161094",
    "goods": _("2 × T-shirt"),
    "what": _("Summer concert"),
    "who": "Grace Hopper",
    "text": _("The doors open half an hour earlier."),
}


def sample_values(topic: Topic) -> dict[str, str]:
    """Return a value for each placeholder of the topic, in the language that is active."""
    known = {**SAMPLES, **(topic.samples or {})}
    return {name: str(known.get(name, name)) for name in topic.allowed}
