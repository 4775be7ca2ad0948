"""How a try ended: a stable code, and words for who looks after the endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.outgoing import AddressRefused, Answer, NoAnswer

DELIVERED = "delivered"
# Whoever answers so may say when to come again (RFC 9110, 10.2.3; RFC 6585, 4).
BUSY = (429, 503)
OUTCOMES: dict[str, Any] = {
    DELIVERED: _("It answered that it has it."),
    "refused": _("It answered with an error."),
    "gone": _("It answered 410: it does not want to be told any more."),
    "redirect": _("It answered with a redirect, which is not followed. Give the address that it leads to."),
    "timeout": _("It did not answer completely within 5 seconds."),
    "no_such_name": _("Its name leads nowhere."),
    "address_refused": _("Its name leads to an address that is not on the public internet. Nothing was sent."),
    "unreachable": _("No connection could be made."),
    "tls": _("Its certificate is not valid for its name, or there was no secure connection."),
    "bad_reply": _("It closed the connection, or answered what is not HTTP."),
    "no_secret": _("Its secret cannot be read any more. Make a new one."),
    "expired": _("Its time ran out before it could be tried again."),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a try ended. `reply` is what was read of the answer's body; `retry_after` in how many seconds a server that
    has too much to do wants to be asked again."""

    outcome: str
    status: int | None = None
    ms: int = 0
    reply: bytes = b""
    retry_after: int | None = None

    @property
    def is_delivered(self) -> bool:
        return self.outcome == DELIVERED


def ended(send: Callable[[], Answer]) -> Ended:
    """Send, and return how that ended."""
    started = monotonic()
    status: int | None = None
    reply = b""
    retry_after: int | None = None
    try:
        answer = send()
    except AddressRefused:
        outcome = "address_refused"
    except NoAnswer as problem:
        outcome, status = problem.why, problem.status
    else:
        outcome, status, reply = _meaning(answer.status), answer.status, answer.body
        retry_after = answer.retry_after if status in BUSY else None
    return Ended(outcome, status, int((monotonic() - started) * 1000), reply, retry_after)


def _meaning(status: int) -> str:
    if 200 <= status < 300:
        return DELIVERED
    if status == 410:
        return "gone"
    return "redirect" if 300 <= status < 400 else "refused"
