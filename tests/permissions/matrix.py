"""Asking one route as one caller about one thing, and telling whether anything changed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from api.routes import PLATFORM, Route
from tests.permissions import bodies, samples
from tests.permissions.world import Actor, Place, World

SCOPES = ("own", "other_buyer", "other_event", "draft", "foreign", "other_tenant")
# Written down about a refusal, not by it: who was refused (P7), when a key was used.
ABOUT_REFUSALS = frozenset({"activity_auditentry", "accounts_platformauditentry"})


def address(route: Route, place: Place, own: Place) -> str | None:
    """Fill in the address; None if the place has nothing of that kind. The secret is always the caller's own."""
    path = re.sub(r"\^|\$|\(\?P<(\w+)>[^)]*\)", lambda m: f"<str:{m[1]}>" if m[1] else "", route.path)
    filled = path
    for whole, name in re.findall(r"(<(?:\w+:)?(\w+)>)", path):
        source = own if name == "secret" else place
        value = samples.address_part(samples.short(path), name, source)
        if value is None:
            return None
        filled = filled.replace(whole, str(value), 1)
    return filled


def cases(route: Route, world: World) -> Iterator[tuple[str, Place, str, Any]]:
    """Give each thing that the route can be asked about: scope, place, address, body. Equal requests come once."""
    seen = set()
    places = world.places
    for scope in ("own",) if route.host == PLATFORM else SCOPES:
        place = places["foreign"] if scope == "other_tenant" else places[scope]
        own = places["foreign"] if scope == "other_tenant" else places["own"]
        filled = address(route, place, own)
        if filled is None:
            continue
        try:
            body = bodies.body_of(route.method, route.path, place)
        except AttributeError:
            continue  # nothing of that kind there to send
        named_by_body = route.path.endswith("/payments/") and route.method == "POST"
        if named_by_body and body["order"] is None:
            continue
        told = (scope == "other_tenant", filled, str(body["order"]) if named_by_body else "")
        if told in seen:
            continue
        seen.add(told)
        yield scope, place, filled, body


def ask(route: Route, actor: Actor, scope: str, filled: str, body: Any, world: World) -> Any:
    """Send it as the caller would."""
    host = "localhost" if route.host == PLATFORM else "beta.localhost" if scope == "other_tenant" else "alpha.localhost"
    client = Client(HTTP_HOST=host, raise_request_exception=False)
    headers: dict[str, Any] = {}
    if route.kind == "api":
        headers["HTTP_IDEMPOTENCY_KEY"] = uuid4().hex
        if actor.key:
            headers["HTTP_AUTHORIZATION"] = f"Token {actor.key}"
        elif actor.bearer:
            headers["HTTP_AUTHORIZATION"] = f"Bearer {actor.bearer}"
    else:
        for name, value in actor.cookies.items():
            client.cookies[name] = value
    if actor.holds_secret:
        own = world.places["own"]
        unpaid = "/mark-paid/" in filled or "/complete/" in filled or filled.endswith("/payments/")
        order = own.pending if unpaid else own.order
        headers["HTTP_X_ORDER_SECRET"] = order.secret
    if route.method == "GET":
        return client.get(filled, **headers)
    if route.kind == "page" or f"{route.method} {samples.short(route.path)}" in samples.MULTIPART:
        for value in body.values():
            if hasattr(value, "seek"):
                value.seek(0)
        sent = encode_multipart(BOUNDARY, body)
        return client.generic(route.method, filled, sent, content_type=MULTIPART_CONTENT, **headers)
    import json

    return client.generic(route.method, filled, json.dumps(body), content_type="application/json", **headers)


def contents(
    *, without: frozenset[str] = ABOUT_REFUSALS, only: frozenset[str] | None = None
) -> dict[str, tuple[int, int]]:
    """Return for each table of public and both tenants how many rows it has and a sum over their contents."""
    if only is not None and not only:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' OR schemaname IN"
            " (SELECT schema_name FROM public.tenants_tenant) ORDER BY 1, 2"
        )
        tables = [(schema, name) for schema, name in cursor.fetchall() if name not in without]
        tables = [(schema, name) for schema, name in tables if only is None or f"{schema}.{name}" in only]
        if not tables:
            return {}
        parts = [
            f'SELECT \'{schema}.{name}\', count(*), coalesce(sum(hashtext(t::text)), 0) FROM "{schema}"."{name}" t'
            for schema, name in tables
        ]
        cursor.execute(" UNION ALL ".join(parts))
        return {name: (rows, int(total)) for name, rows, total in cursor.fetchall()}


def touched() -> dict[str, int]:
    """Return how many rows of each table this transaction has written so far, as the server itself counts them.

    The count only grows: what a savepoint took back stays in it. Only TRUNCATE and changes of tables themselves escape
    it, and no view does those. So the contents of a table whose count stands still are what they were.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return dict(cursor.fetchall())


def changes(before: dict[str, Any], counted: dict[str, int], *, without: frozenset[str] = ABOUT_REFUSALS) -> list[str]:
    """Compare what was written to since `counted = touched()` with the `before` of all."""
    now = touched()
    written = frozenset(name for name, rows in now.items() if rows != counted.get(name, 0))
    return differences(before, contents(without=without, only=written))


@contextmanager
def nothing_changes() -> Iterator[list[str]]:
    """Compare everything at the end of the block with its beginning: the list then tells the tables that differ."""
    before, changed = contents(), list[str]()
    yield changed
    changed += differences(before, contents())


_WRITE = re.compile(
    r'\s*(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|ALTER|DROP|CREATE|WITH)\b(?:\s+"?(\w+)"?)?', re.IGNORECASE
)


class Writes:
    """Listens to the statements of a block; `any` tells whether one of them may have changed what is compared."""

    def __init__(self) -> None:
        self.any = False

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        found = _WRITE.match(str(sql))
        if found and found[1] not in ABOUT_REFUSALS:
            self.any = True
        return execute(sql, params, many, context)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [f"{name}: {before.get(name)} -> {now}" for name, now in after.items() if before.get(name) != now]
