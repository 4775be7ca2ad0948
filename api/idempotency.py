"""Asking twice has one effect (O2).

The row that keeps the answer is written in the very transaction of the effect, so both are there or neither is:
one INSERT before the view's own work and one UPDATE after it. A second request with the same key runs into the
unique index and waits there for the first, at most as long as any row is waited for (3 s): then it replays the
stored answer, or is told that the first still runs. A crash takes the row with it; no key stays locked.

A refusal is an exception, and rolls everything back: refused requests are not stored and may be tried again. So
does a deadlock; then the whole is run again, three times at most (M2), which is safe as nothing outside has happened.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from api.renderers import JSONRenderer
from shared_apps.core.attempts import whole
from shared_apps.core.database_errors import LOCK_NOT_AVAILABLE, sqlstate
from shared_apps.core.errors import Conflict, DomainError, InvalidInput
from shared_apps.core.faults import point
from tenant_apps.activity.models import IdempotentRequest
from tenant_apps.activity.once import keep_answer, take_key

HEADERS = ("Idempotency-Key", "X-Idempotency-Key")
LONGEST_KEY = 255
REPLAYED = "Idempotent-Replayed"


class KeyRequired(InvalidInput):
    code = "idempotency_key_required"
    message = _("Send an Idempotency-Key header: a new random text for each new purchase, the same when you repeat it.")


class KeyInvalid(InvalidInput):
    code = "idempotency_key_invalid"
    message = _("An idempotency key has 1 to 255 visible ASCII characters.")


class KeyReused(DomainError):
    code, status = "idempotency_key_reused", 422
    message = _("This idempotency key was used for another request.")


class KeyInProgress(Conflict):
    code, retry_after = "idempotency_in_progress", 2
    message = _("The first request with this idempotency key is still running.")


def idempotent(*, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a view's method answer a repeated key with its first answer.

    The method runs in one transaction. What must happen outside of it (a call to a provider, O3) is given to
    `afterwards`.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def run(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            key = given_key(request)
            if key is None:
                if required:
                    raise KeyRequired
                return _carry_on(request, method(view, request, *args, **kwargs))
            return _once(Claim(request, key), lambda: method(view, request, *args, **kwargs))

        run.idempotent = "required" if required else "optional"  # type: ignore[attr-defined]  # a function may carry what it was marked with
        return run

    return decorate


def afterwards(request: Any, function: Callable[[], Response]) -> None:
    """Call the function after the method's transaction is committed; what it returns is the answer, and is stored.

    For calls to the outside (O3). If it fails the effect stays, and a repetition gets the answer that the
    method itself returned.
    """
    request._request.after_effect = function


def _carry_on(request: Any, response: Any) -> Any:
    function = getattr(request._request, "after_effect", None)
    return response if function is None else function()


def _once(claim: "Claim", method: Callable[[], Any]) -> Any:
    response, first = _in_one_transaction(claim, method)
    if not first:
        return response
    point("request.committed")
    final = _carry_on(claim.request, response)
    if final is not response:
        point("request.final_answer")
        claim.keep(final)
    return final


def _in_one_transaction(claim: "Claim", method: Callable[[], Any]) -> tuple[Any, bool]:
    """Return the answer, and whether this was the request that had the effect.

    The answer is kept before the places are claimed: `last` in the method comes after it (M1).
    """

    def run() -> tuple[Any, bool]:
        if not claim.take():
            return claim.replay(), False
        claim.request._request.after_effect = None  # what an attempt that was rolled back had asked for
        response = method()
        if response.status_code >= 400:
            transaction.set_rollback(True)
            return response, False
        claim.keep(response)
        point("request.before_commit")
        return response, True

    return whole(run)


def given_key(request: Any) -> str | None:
    """Return the key that came with the request, None if there is none. Raises KeyInvalid."""
    given = {request.headers[name] for name in HEADERS if name in request.headers}
    if not given:
        return None
    key = given.pop()
    if given or not 1 <= len(key) <= LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise KeyInvalid
    return str(key)


class Claim:
    """One request's claim on its key."""

    def __init__(self, request: Any, key: str):
        self.request = request
        self.key = key
        self.scope = scope_of(request)
        self.fingerprint = fingerprint_of(request)

    def take(self) -> bool:
        """Write the row; False if the key is known. Waits for a first request that is just running."""
        try:
            return take_key(self.scope, self.key, self.fingerprint)
        except DatabaseError as error:
            if sqlstate(error) == LOCK_NOT_AVAILABLE:
                raise KeyInProgress from None
            raise

    def replay(self) -> HttpResponse:
        """Return the first request's answer. Raises KeyReused if that was another request."""
        row = IdempotentRequest.objects.filter(scope=self.scope, key=self.key).first()
        if row is None or row.status is None:
            raise KeyInProgress
        if row.fingerprint != self.fingerprint:
            raise KeyReused
        response = HttpResponse(bytes(row.body or b""), status=row.status, content_type=row.content_type)
        response[REPLAYED] = "true"
        return response

    def keep(self, response: Response) -> None:
        """Store the answer."""
        renderer = JSONRenderer()
        keep_answer(self.scope, self.key, response.status_code, renderer.render(response.data), renderer.media_type)


def scope_of(request: Any) -> str:
    """Return whose key it is: a user's or a guest's, at one address; the tenant is the schema that the row is in."""
    path = request.path_info.removeprefix("/api/").removeprefix("v1/")
    scope = f"{_caller(request)} {request.method} {path}"
    return scope if len(scope) <= 200 else f"{scope[:100]} {_digest(scope)[:64]}"


def _caller(request: Any) -> str:
    if request.user.is_authenticated:
        return str(request.user.identity)
    email = request.data.get("email")
    secret = request.query_params.get("secret") or request.headers.get("X-Order-Secret")
    guest = email.strip().lower() if isinstance(email, str) else secret or ""
    # Hashed: the table of answers is no list of addresses.
    return f"guest:{_digest(guest)[:40]}"


def fingerprint_of(request: Any) -> str:
    """Return what tells two bodies apart: their content, not the blanks or the order of keys in it."""
    data = request.data
    if hasattr(data, "lists"):
        content: Any = {name: [_part(value) for value in values] for name, values in data.lists()}
    else:
        content = data
    return _digest(json.dumps(content, sort_keys=True, ensure_ascii=True, default=str))


def _part(value: Any) -> Any:
    if not hasattr(value, "chunks"):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return {"file": digest.hexdigest(), "size": value.size}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
