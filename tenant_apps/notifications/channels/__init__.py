"""The ways by which people are reached. Each is a module that names itself and sends; `register` makes it known.

    CHANNEL = "sms"

    def reaches(recipient: Recipient) -> bool: ...
    def send(topic: Topic, recipient: Recipient, text: Text) -> None: ...

`send` runs outside of any transaction (O3) and raises what went wrong: the relay tries again later, and what other
channels have sent by then is not sent again. `Undeliverable` says that trying again is of no use. `reaches` is asked
first; who has no number is not an error. `text.key` is the same for every try.
"""

from typing import Protocol

from shared_apps.people import wishes
from tenant_apps.notifications.topics import SMS, Recipient, Text, Topic, on_register


class Channel(Protocol):
    """What a module of this package offers."""

    CHANNEL: str

    def reaches(self, recipient: Recipient) -> bool:
        """Tell whether there is an address, number or device of this person to send to."""
        ...

    def send(self, topic: Topic, recipient: Recipient, text: Text) -> None:
        """Send it. Raises Undeliverable, or anything else for a try that is to be made again."""
        ...


class Undeliverable(Exception):
    """Never again: the number is wrong, every device is gone. It counts as done."""


_channels: dict[str, Channel] = {}


def register(channel: Channel) -> None:
    """Make a way of reaching people known; called once by the app's `ready()`. A module does as a channel.

    Every topic that goes by it appears among what people may switch on and off. A text message costs the tenant money
    and disturbs: who has an account gets one only after asking for it.
    """
    name = channel.CHANNEL
    _channels[name] = channel

    def offer(topic: Topic) -> None:
        if name in topic.channels and not topic.wish and not topic.hidden:
            wishes.offer(topic.name, name, topic.label, default=name != SMS or topic.fixed, fixed=topic.fixed)

    on_register(offer)


def channel(name: str) -> Channel | None:
    """Return the way of that name; None if nothing sends by it, and then nobody is reached by it."""
    return _channels.get(name)
