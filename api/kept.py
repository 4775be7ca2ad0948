"""Public reads from the shared cache: an answer that was made once serves everybody until something it shows changes.

`PublicReadsMiddleware` stands before the tenant's middleware. For an anonymous GET of a public address it asks the
cache server once, and that one question counts the request (N7), reads the tenant's numbers (`tenants.freshness`)
and finds the kept answer. If it holds, nothing else runs: no SQL, no sign-in, no view; if the client has it already,
not even its body is fetched. If not, the request goes on, and what the view makes of it is kept, where the view says
that it may be: `@kept`.

An answer is found under its tenant's schema, host, path with query and language, and by nothing that names a person:
whoever sends credentials or a cart's token goes past all this (N2, N4).
"""

import hashlib
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
import redis
import structlog
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified

from api.conditional import named
from api.throttles import WINDOW_SECONDS, RateLimit, limit_of_address
from shared_apps.billing.limits import api_rate
from shared_apps.core import limits
from shared_apps.core.addresses import client_address
from tenants import freshness, hosts, lookup, schema_state
from tenants.middleware import language_of
from tenants.models import Tenant

logger = logging.getLogger(__name__)
line = structlog.get_logger(__name__)

# Where views that are kept can be found at all: other addresses cost one comparison here.
_PUBLIC = re.compile(
    r"/api/(?:v1/)?(?:events|products|categories|tags|venues|series|calendar\.ics|product-facets)(?:/|$)"
)
# Whoever sends one of these is somebody, or asks for what is theirs; an origin gets headers of its own (CORS).
_SOMEBODY = ("HTTP_AUTHORIZATION", "HTTP_X_CART_TOKEN", "HTTP_X_ORDER_SECRET", "HTTP_ORIGIN")
# Headers that are one request's own, or said anew for each answer further out.
_NOT_KEPT = frozenset({"content-security-policy", "content-length", "x-request-id", "retry-after"})
LARGEST = 512 * 1024
# Of the requests in an answer's last second every fiftieth makes it anew: under load one of them has done it before
# the end, at which else all would at once.
_EARLY_AFTER, _EARLY = freshness.LONGEST_SECONDS - 1.0, 0.02

# KEYS: limit, the tenants' version, content, stock, the answer. ARGV: milliseconds of the limit's window. The body is
# fetched by a command of its own in the same round trip: a script would copy it twice.
_ASK = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
local numbers = redis.call('MGET', KEYS[2], KEYS[3], KEYS[4])
local meta = redis.call('HGET', KEYS[5], 'meta')
return {count, redis.call('PTTL', KEYS[1]), numbers[1], numbers[2], numbers[3], meta}
"""
_ASK_SHA = hashlib.sha1(_ASK.encode(), usedforsecurity=False).hexdigest()


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """What is known of a kept answer beside its body."""

    tenants: bytes
    content: bytes
    stock: bytes
    made_at: float
    etag: str
    headers: list[tuple[str, str]]


class _Asked(msgspec.Struct, gc=False):
    """What the cache server said: the numbers as they are now, and the answer if there is one."""

    key: str
    tenants: bytes
    content: bytes
    stock: bytes
    decision: limits.Decision
    kept: _Kept | None
    body: bytes | None

    def holds(self) -> bool:
        """Whether the kept answer is as good as a new one would be (`tenants.freshness`)."""
        kept = self.kept
        if kept is None or kept.tenants != self.tenants or kept.content != self.content:
            return False
        age = time.time() - kept.made_at
        if not 0 <= age < freshness.LONGEST_SECONDS:
            return False
        if age > _EARLY_AFTER and random.random() < _EARLY:  # noqa: S311  (chance, no secret)
            return False
        if kept.stock == self.stock:
            return True
        changes = int(self.stock or 0) - int(kept.stock or 0)
        return changes >= freshness.RUSH_CHANGES and age < freshness.RUSH_SECONDS


_meta = msgspec.msgpack.Decoder(_Kept)
_encode = msgspec.msgpack.Encoder().encode


def kept(method: Callable[..., Any]) -> Callable[..., Any]:
    """Say of a view's GET method that what it answers to anybody may be kept for anybody.

    It must depend on nothing but tenant, address, language, and tables that are watched.
    """

    @wraps(method)
    def run(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = method(view, request, *args, **kwargs)
        response.may_be_kept = not request.user.is_authenticated
        return response

    return run


class PublicReadsMiddleware:
    """Answers public reads from the cache, and keeps what was made for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "GET" or not _PUBLIC.match(request.path_info) or not _is_anybody(request):
            return self.get_response(request)
        found = _tenant(request)
        if found is None:
            return self.get_response(request)
        tenant, version = found
        asked = _ask(request, tenant, version)
        if asked is None:
            return self.get_response(request)
        # The throttle takes this count instead of counting once more.
        request.counted = asked.decision  # type: ignore[attr-defined]  # read where the limits are counted, so that a request counts once
        if not asked.decision.allowed:
            return self.get_response(request)
        if asked.kept is not None and asked.holds():
            response = _from_cache(request, asked)
            if response is not None:
                _log(request, tenant, response.status_code)
                return response
        return self._made(request, asked)

    def _made(self, request: HttpRequest, asked: _Asked) -> HttpResponseBase:
        # So that the whole answer is made, for all; this client gets its 304 here.
        known = named(request)
        request.META.pop("HTTP_IF_NONE_MATCH", None)
        response = self.get_response(request)
        if not isinstance(response, HttpResponse) or not getattr(response, "may_be_kept", False):
            return response
        etag = response.headers.get("ETag", "")
        if response.status_code != 200 or response.cookies or not etag:
            return response
        if len(response.content) <= LARGEST:
            _keep(asked, response, etag)
        if _is_known(etag, known):
            return _unchanged(etag, list(response.headers.items()))
        return response


def _is_anybody(request: HttpRequest) -> bool:
    """No credentials, no person's cookies, nothing half done: kept answers show what is committed."""
    meta = request.META
    if any(name in meta for name in _SOMEBODY) or connection.in_atomic_block:
        return False
    if "HTTP_COOKIE" in meta and {settings.ACCESS_COOKIE_NAME, settings.REFRESH_COOKIE_NAME} & request.COOKIES.keys():
        return False
    # `lang` sets a cookie.
    return "lang=" not in meta.get("QUERY_STRING", "")


def _tenant(request: HttpRequest) -> tuple[Tenant, str] | None:
    """The row that this process keeps for the host and its version; `_ask` tells whether that is the present one."""
    host = hosts.of_request(request)
    found = lookup.kept_row(host) if host else None
    if found is None or found[0].status != Tenant.Status.OPEN or schema_state.is_behind(found[0]):
        return None
    # A limit as small as this is counted hit by hit, which only the throttle does.
    return found if api_rate(found[0]) > limits.EXACT else None


def _ask(request: HttpRequest, tenant: Tenant, kept_version: str) -> _Asked | None:
    client = freshness.client()
    if client is None:
        return None
    schema = tenant.schema_name
    language = language_of(request, tenant.language)
    address = f"{request.scheme}://{request.META.get('HTTP_HOST', '')}{request.get_full_path()} {language}"
    key = f"foyer-read:{schema}:{hashlib.blake2b(address.encode(), digest_size=16).hexdigest()}"
    cache: Any = caches["global"]
    limit = api_rate(tenant)
    keys = (
        cache.make_key(limit_of_address(client_address(request))),
        cache.make_key(lookup.VERSION_KEY),
        freshness.key_of(schema, freshness.CONTENT),
        freshness.key_of(schema, freshness.STOCK),
        key,
    )
    arguments = (len(keys), *keys, WINDOW_SECONDS * 1000)
    # Who has the answer already perhaps needs no body.
    fetch = [] if "HTTP_IF_NONE_MATCH" in request.META else [("HGET", key, "whole")]
    try:
        try:
            answer, *fetched = send(client, ("EVALSHA", _ASK_SHA, *arguments), *fetch)
        except redis.exceptions.NoScriptError:
            answer, *fetched = send(client, ("EVAL", _ASK, *arguments), *fetch)
    except redis.exceptions.RedisError as error:
        freshness.rest()
        logger.warning("public_reads_without_cache", extra={"reason": type(error).__name__})
        return None
    count, wait, version, content, stock, meta = answer
    if version is None or cache._cache._serializer.loads(version) != kept_version:
        # Some tenant's row has changed; the tenant's middleware will read ours anew, and it counts the request.
        client.decr(keys[0])
        return None
    decision = limits.Decision(
        allowed=count <= limit, limit=limit, remaining=max(0, limit - count), reset_after=max(1, -(-wait // 1000))
    )
    kept, body = None if meta is None else _meta.decode(meta), None
    if fetched and isinstance(fetched[0], bytes):
        kept, body = _opened(fetched[0])
    return _Asked(key, version, content or b"", stock or b"", decision, kept, body)


def send(client: Any, *commands: tuple[Any, ...]) -> list[Any]:
    """Send commands in one round trip on a connection of the client's pool, and return their answers.

    Without what the client does around it, which costs as much again: what fails is not tried once more here, since
    the request goes on without the cache. Raises the first command's refusal.
    """
    server = _connection_of(client.connection_pool)
    answers: list[Any] = []
    try:
        server.send_packed_command(server.pack_commands(commands))
        for _ in commands:
            try:
                answers.append(server.read_response())
            except redis.exceptions.ResponseError as refusal:
                # The answers that follow are read all the same, or the next request would get them.
                answers.append(refusal)
    except BaseException:
        # Half an answer may be left on it.
        server.disconnect()
        _mine.held = None
        raise
    if isinstance(answers[0], redis.exceptions.ResponseError):
        raise answers[0]
    return answers


class _Held:
    """A connection that a thread has taken out of the pool; it goes back when the thread ends."""

    def __init__(self, pool: Any):
        self.pool, self.process, self.server = pool, os.getpid(), pool.get_connection()
        self.used = time.monotonic()

    def __del__(self) -> None:
        if hasattr(self, "server") and self.process == os.getpid():
            self.pool.release(self.server)


class _Mine(threading.local):
    held: _Held | None = None


_mine = _Mine()
# After a pause the pool looks whether the server has closed the connection meanwhile.
_FRESH_SECONDS = 1.0


def _connection_of(pool: Any) -> Any:
    """The thread keeps its connection: a pool asks the system about it each time that it is borrowed."""
    held, now = _mine.held, time.monotonic()
    if held is None or held.pool is not pool or held.process != os.getpid() or now - held.used > _FRESH_SECONDS:
        _mine.held = held = None  # goes back first
        _mine.held = held = _Held(pool)
    held.used = now
    return held.server


def _from_cache(request: HttpRequest, asked: _Asked) -> HttpResponse | None:
    kept: Any = asked.kept
    body = asked.body
    if body is None:
        if _is_known(kept.etag, named(request)):
            response: HttpResponse = _unchanged(kept.etag, kept.headers)
            _limit(asked).write(response)
            return response
        whole = _fetched(asked.key)
        if whole is None:
            return None
        asked.kept, body = _opened(whole)
        if not asked.holds():
            return None
        kept = asked.kept
    response = HttpResponse(body)
    for name, value in kept.headers:
        response.headers[name] = value
    response.headers["Content-Length"] = str(len(body))
    _limit(asked).write(response)
    return response


def _fetched(key: str) -> bytes | None:
    client = freshness.client()
    try:
        return None if client is None else client.hget(key, "whole")
    except redis.exceptions.RedisError:
        freshness.rest()
        return None


def _packed(meta: bytes, body: bytes) -> bytes:
    """One value, so that an answer that is being replaced is never sent with the other's ETag."""
    return len(meta).to_bytes(4, "big") + meta + body


def _opened(whole: bytes) -> tuple[_Kept, bytes]:
    end = 4 + int.from_bytes(whole[:4], "big")
    return _meta.decode(whole[4:end]), whole[end:]


def _keep(asked: _Asked, response: HttpResponse, etag: str) -> None:
    headers = [
        (name, value)
        for name, value in response.headers.items()
        if name.lower() not in _NOT_KEPT and not name.lower().startswith("ratelimit")
    ]
    meta = _encode(_Kept(asked.tenants, asked.content, asked.stock, time.time(), etag, headers))
    client = freshness.client()
    if client is None:
        return
    try:
        with client.pipeline(transaction=True) as pipe:
            pipe.hset(asked.key, mapping={"meta": meta, "whole": _packed(meta, response.content)})
            pipe.pexpire(asked.key, int(freshness.LONGEST_SECONDS * 1000))
            pipe.execute()
    except redis.exceptions.RedisError as error:
        freshness.rest()
        logger.warning("public_reads_without_cache", extra={"reason": type(error).__name__})


def _unchanged(etag: str, headers: list[tuple[str, str]]) -> HttpResponseNotModified:
    """304 with the headers that the 200 would have had and that RFC 9110, 15.4.5 asks for."""
    response = HttpResponseNotModified()
    for name, value in headers:
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    response.headers["ETag"] = etag
    return response


def _is_known(etag: str, known: list[str]) -> bool:
    tag = etag.strip('"')
    body = tag.rpartition(".")[2]
    return any(each in ("*", tag) or each.rpartition(".")[2] == body for each in known)


def _limit(asked: _Asked) -> RateLimit:
    return RateLimit(asked.decision.limit, asked.decision.remaining, asked.decision.reset_after)


def _log(request: HttpRequest, tenant: Tenant, status: int) -> None:
    """The line that every request has in the log, also where the middleware that writes it is not reached (P7)."""
    if logger.isEnabledFor(logging.INFO):
        line.info(
            "request_finished", code=status, request=f"GET {request.path}", tenant=tenant.schema_name, from_cache=True
        )
