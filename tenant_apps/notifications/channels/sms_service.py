"""The interface that each service for text messages keeps, and the one that speaks plain HTTP.

What the HTTP service has to do is written down in docs/guides/text-messages.md; it is small enough to stand as an
adapter before any other.
"""

import json
from typing import Protocol

from django.conf import settings

from shared_apps.core import outgoing

SECONDS = 10.0


class Refused(Exception):
    """This message will never be sent: a number that is none, a text that is not allowed. Nothing was paid."""


class AccountFails(Exception):
    """Nothing can be sent by this account for now; `problem` is one of SmsAccount.Problem."""

    def __init__(self, problem: str):
        super().__init__(problem)
        self.problem = problem


class NoWord(Exception):
    """Nobody knows whether it was sent: no answer, or one of trouble. The same key may be tried again."""


class Service(Protocol):
    """Takes text messages. Never called inside a transaction (O3)."""

    def send(self, *, key: str, account_key: str, sender: str, to: str, text: str, encoding: str) -> str:
        """Hand one over and return what the service calls it. `key` is ours: a second call with it is the same message.

        Raises Refused, AccountFails, NoWord.
        """
        ...


class HttpService:
    """`POST {SMS_API_BASE}/messages` with the tenant's key as a bearer token."""

    def send(self, *, key: str, account_key: str, sender: str, to: str, text: str, encoding: str) -> str:
        body = json.dumps({"id": key, "to": to, "from": sender, "text": text, "encoding": encoding}).encode()
        headers = {
            "Authorization": f"Bearer {account_key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Idempotency-Key": key,
        }
        try:
            answer = outgoing.post(
                f"{settings.SMS_API_BASE.rstrip('/')}/messages", body, headers, seconds=SECONDS, of_deployment=True
            )
        except outgoing.NoAnswer as error:
            raise NoWord(str(error)) from None
        # 409: it has this message from an earlier try of ours, of which we never heard.
        if answer.status in (200, 201, 202, 409):
            return _reference(answer.body)
        if answer.status in (401, 403):
            raise AccountFails("key_refused")
        if answer.status == 402:
            raise AccountFails("no_credit")
        if answer.status in (400, 404, 410, 413, 422):
            raise Refused(f"status {answer.status}")
        raise NoWord(f"status {answer.status}")


def _reference(body: bytes) -> str:
    """The service's own name of the message, if it says one that can be kept."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    name = told.get("id") if isinstance(told, dict) else None
    return name[:100] if isinstance(name, str) and name.isprintable() else ""


def service() -> Service:
    """The service of this deployment."""
    return HttpService()
