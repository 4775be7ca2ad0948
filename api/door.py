"""Scans by the short way: what a gate sends a thousand times a minute passes nothing that it does not need.

`ScansMiddleware` stands before the tenant's middleware, as `api.kept` does for public reads. A plain scan with an API
key or a bearer token is answered here by the same functions that the view calls: who it is, whether they may, and what
there is to know (one statement for a key, two for a person), how often they asked and whether the tenant is as it was
(one question to the cache server), and the answer (one statement). Whatever is not plainly good goes the long way,
where it is refused in its own words and written down: nothing is refused here.

Going both ways is harmless: a scan that was answered here and asked again gets its first answer (T3).
"""

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.core.cache import caches
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation

from api.kept import send
from api.parsers import loads
from api.renderers import JSONRenderer
from api.throttles import WINDOW_SECONDS, RateLimit
from shared_apps.billing.limits import api_rate
from shared_apps.core import limits
from shared_apps.core.errors import DomainError
from tenants import freshness, hosts, lookup, schema_state
from tenants.database import connection
from tenants.middleware import language_of
from tenants.models import Tenant

logger = logging.getLogger(__name__)
line = structlog.get_logger(__name__)

_SCAN = re.compile(r"/api/(?:v1/)?check-in-lists/([0-9]{1,18})/scan/")
# A code has 143 characters and an id at most 64; what is longer is nothing that a scanner sends.
_LARGEST = 8 * 1024

# KEYS: limit, the tenants' version. ARGV: milliseconds of the limit's window.
_ASK = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[2])}
"""
_ASK_SHA = hashlib.sha1(_ASK.encode(), usedforsecurity=False).hexdigest()


class ScansMiddleware:
    """Answers plain scans; lets everything else pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and (found := _SCAN.fullmatch(request.path_info)) and _is_plain(request):
            response = _answer(request, int(found[1]))
            if response is not None:
                return response
        return self.get_response(request)


def _is_plain(request: HttpRequest) -> bool:
    """JSON with credentials of its own: no browser's cookies, no page of another origin, nothing in the query."""
    meta = request.META
    if meta.get("QUERY_STRING") or "HTTP_ORIGIN" in meta or "HTTP_AUTHORIZATION" not in meta:
        return False
    if meta.get("CONTENT_TYPE", "").lower() not in ("application/json", "application/json; charset=utf-8"):
        return False
    length = meta.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) <= _LARGEST


def _answer(request: HttpRequest, list_id: int) -> HttpResponse | None:
    """The answer to a scan that is plainly good; None for all that the long way has to look at."""
    host = hosts.of_request(request)
    kept = lookup.kept_row(host) if host else None
    if kept is None or kept[0].status != Tenant.Status.OPEN or schema_state.is_behind(kept[0]):
        return None
    tenant, version = kept
    if api_rate(tenant) <= limits.EXACT:  # so small a limit is counted hit by hit, which only the throttle does
        return None
    connection.set_tenant(tenant)
    try:
        with translation.override(language := language_of(request, tenant.language)):
            return _scan(request, tenant, version, list_id, language)
    except DomainError:
        return None
    except (DatabaseError, InterfaceError, redis.exceptions.RedisError) as error:
        logger.warning("scan_goes_the_long_way", extra={"reason": type(error).__name__})
        return None
    finally:
        connection.set_schema_to_public()


def _scan(request: HttpRequest, tenant: Tenant, version: str, list_id: int, language: str) -> HttpResponse | None:
    # Here, because settings name this module before the apps are loaded.
    from api.v1.ticketing.presentation import answer_json
    from api.v1.ticketing.scans import plain_scan
    from shared_apps.accounts.tokens import session_of
    from tenant_apps.ticketing import doors, scanning
    from tenant_apps.ticketing.codes import read

    wanted = plain_scan(loads(request.body))
    scheme, _space, proof = request.META["HTTP_AUTHORIZATION"].partition(" ")
    if wanted is None or scheme.lower() not in ("token", "bearer"):
        return None
    actor: Any
    if scheme.lower() == "token":
        actor, seen = doors.see_with_key(list_id, read(wanted.code), proof.strip())
    else:
        actor = session_of(proof.strip()).user
        seen = doors.see(list_id, read(wanted.code), actor=actor)
    limit = None if seen is None else _count(actor, version, api_rate(tenant))
    if limit is None:
        return None
    answer = scanning.scan_at(list_id, wanted, by=actor, seen=seen)
    response = HttpResponse(
        JSONRenderer().render(answer_json(answer)),
        status=200 if answer.repeated else 201,
        content_type="application/json",
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "origin, Accept-Language, Cookie"
    limit.write(response)
    _log(request, tenant, actor, response.status_code)
    return response


def _count(actor: Any, kept_version: str, most: int) -> RateLimit | None:
    """Count the request (N7) and ask whether the tenant's row is as this process keeps it; None if it may not go on."""
    client = freshness.client()
    if client is None:
        return None
    cache: Any = caches["global"]
    keys = (cache.make_key(limits.name_of(f"api:{actor.identity}")), cache.make_key(lookup.VERSION_KEY))
    arguments = (len(keys), *keys, WINDOW_SECONDS * 1000)
    try:
        try:
            ((count, wait, version),) = send(client, ("EVALSHA", _ASK_SHA, *arguments))
        except redis.exceptions.NoScriptError:
            ((count, wait, version),) = send(client, ("EVAL", _ASK, *arguments))
    except redis.exceptions.RedisError:
        freshness.rest()
        raise
    if version is None or cache._cache._serializer.loads(version) != kept_version:
        client.decr(keys[0])  # the long way counts it
        return None
    return RateLimit(most, most - count, max(1, -(-wait // 1000))) if count <= most else None


def _log(request: HttpRequest, tenant: Tenant, actor: Any, status: int) -> None:
    """The line that every request has in the log, also where the middleware that writes it is not reached (P7)."""
    if logger.isEnabledFor(logging.INFO):
        line.info(
            "request_finished",
            code=status,
            request=f"POST {request.path}",
            tenant=tenant.schema_name,
            user_id=actor.pk,
        )
