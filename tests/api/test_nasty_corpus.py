"""A corpus of nasty values for every method, parameter, field and form, made from the routes and the OpenAPI document.

`test_nothing_breaks` sends whole bodies of rubbish; this one sends otherwise good requests with one thing wrong, and
requests whose very form is odd. Nothing answers 5xx (B1), and whatever is refused below /api/ is problem+json.
"""

import copy
import json
import os
import re
from html.parser import HTMLParser
from importlib import import_module
from typing import Any
from urllib.parse import quote

import pytest

from api.routes import Route, routes
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]
TEXTS = [
    "", " ", "\0", "a\0b", "\ud800", "x" * 70_000, "'\";--", "%00", "{{7*7}}${7}", "\u202e\u200b\ufeff", "1e309",
    "NaN",
    "-1", "9" * 30, "0x10", "²", "٣", "१", "⑦", "../../etc/passwd", "<script>alert(1)</script>", "\r\nX: y", "٠-١-٢",
    "2026-02-30T25:61:61Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-W01-1", "-0", "1_000",
    "00000000-0000-0000-0000-000000000000", "a@b", "a@" + "b" * 250 + ".test", "Ünï@Öäß.test", "[]", "null",
]  # fmt: skip
VALUES: list[Any] = [
    *TEXTS, None, True, False, 0, -1, 2**31, 2**63 - 1, -(2**63) + 1, 1.5, 1e308, -1e308, 5e-324, [], {}, [[]],
    [None], [{}],
    {"": None}, ["x"] * 600, [1] * 600, [2**63 - 1], ["\0"], {"a": {"b": ["\ud800"]}}, {"x" * 3000: 1}, [True],
    [[1]], [1.5],
]  # fmt: skip
QUERY_TEXTS = [*(text for text in TEXTS if len(text) < 5000), "x" * 3000, "%", ",", ",,1", "1,x", "a\n", "--x", "1&1"]
BODIES = [
    b"", b"{", b"[]", b'"x"', b"null", b"1", b"NaN", b"{}{}", b'{"a":NaN}', b'{"a":1,"a":2}', b'{"a":"\xff"}',
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}", b'{"email":"\\u0000"}', b'{"email":"\\ud800"}', b"[" * 50_000, b'{"a":' * 50_000,
    b'{"a":' + b"9" * 5000 + b"}", b'{"a":1e99999}', b"a=1&b=2&a=%00", b"--x\r\n",
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="../\x00.csv"\r\n\r\n\x00\r\n--x--\r\n',
]  # fmt: skip
TYPES = [
    "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense", "text/plain", "",
    "x",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data",
    "application/xml", ";;;",
    "application/x-www-form-urlencoded; charset=nonsense",
]  # fmt: skip
PATHS = [
    "x",
    "0",
    "-1",
    "9" * 19,
    "9" * 400,
    "%00",
    "%ff",
    "%2f",
    "%252f",
    "..%2f..",
    "Ё😀",
    "ß",
    "ﬃ",
    "a%0d%0ab",
    "+",
    "%20",
]

# What an otherwise good body holds, by the name of the field, else by its type.
GOOD_FIELDS: dict[str, Any] = {
    "email": "ada@example.test", "starts_at": "2027-06-01T20:00:00+02:00", "ends_at": "2027-06-01T22:00:00+02:00",
    "timezone": "Europe/Berlin", "currency": "EUR", "language": "en", "title": "Gala", "name": "Ada",
    "password": "a-long-pass-word",
    "password1": "a-long-pass-word", "password2": "a-long-pass-word", "price": "12.50", "tax_rate": "7",
    "quantity": 1,
    "cancel_until": "2027-05-01T20:00:00+02:00", "status": "draft", "provider": "manual", "scan_id": "s1",
    "direction": "in",
    "capacity": 5, "role": 1, "permissions": ["view_orders"], "code": "x", "slug": "a-slug", "kind": "organizer",
    "sale_starts_at": "2027-01-01T20:00:00+02:00", "sale_ends_at": "2027-02-01T20:00:00+02:00", "max_per_order": 10,
}  # fmt: skip


def of_host(urlconf: str, *, on_platform: bool) -> list[Route]:
    return list(routes(import_module(urlconf).urlpatterns, on_platform=on_platform))


HOSTS = {
    "tenant": of_host("platform_config.urls_tenant", on_platform=False),
    "platform": of_host("platform_config.urls_public", on_platform=True),
}
# They end the caller's own sign-in; tests/accounts sends them its own rubbish. Django's admin is Django's.
# `/api/…` is `/api/v1/…`, and is asked for once; `/api/swagger/` is Django's redirect.
SPARED = re.compile(r"logout|password/change|change_password|/admin/|^/api/v1/me/$|^/api/(?!v1/|docs/|redoc/|schema/)")


def sane(response: Any, method: str, path: str, what: Any = "") -> None:
    told = (method, path[:200], str(what)[:200].encode("ascii", "backslashreplace"), response.status_code)
    assert response.status_code < 500, (*told, response.content[:500])
    if response.status_code >= 400 and path.startswith("/api/"):
        assert response["Content-Type"] == "application/problem+json", told
        if method != "HEAD":
            assert b'"code":' in response.content, (*told, response.content[:300])


class Rotation:
    """Gives each place a part of the corpus, the next part to the next place: every value is sent many times over in
    a run, and the run stays short. NASTY_ALL=1 sends everything everywhere (minutes)."""

    def __init__(self, part: int):
        self.part, self.turn = 1 if os.environ.get("NASTY_ALL") else part, 0

    def __call__(self, values: list[Any]) -> list[Any]:
        self.turn += 1
        return values[self.turn % self.part :: self.part]


class World:
    """A tenant with an event, its sale and two orders, a client for each caller, and the values that paths take."""

    def __init__(self, client_for: Any, alpha: Any, host: str):
        self.owner = owner_of(alpha)
        with in_tenant(alpha):
            from tenant_apps.ticketing.services import ensure_door, ensure_key

            ticket_type = make_ticket_type(make_event(), price_minor=1250)
            event = ticket_type.event
            ensure_door(event)
            ensure_key(event)
            order, paid = make_order(ticket_type), make_paid_order(ticket_type)
            ticket = paid.lines.get().ticket
            self.known = {
                "event": event.slug, "slug": event.slug, "code": paid.code, "secret": paid.secret,
                "ticket": str(ticket.pk),
                "order": order.code, "pk": str(event.check_in_lists.get().pk), "id": str(ticket_type.pk),
                "scan_id": "s1",
                "uuid": str(ticket.pk), "int": str(ticket_type.pk), "quota": str(ticket_type.quotas.get().pk),
                "move": "publish",
            }  # fmt: skip
            self.ticket_type = ticket_type.pk
        tenant = alpha if host == "tenant" else None
        self.clients = [client_for(tenant, self.owner), client_for(tenant, make_user()), client_for(tenant)]
        for client in self.clients:
            client.raise_request_exception = False

    def path(self, pattern: str, value: str | None = None) -> str:
        """The address with real names in it, or with `value` for every one of them."""

        def fill(match: re.Match[str]) -> str:
            kind, _colon, name = match[1].rpartition(":")
            return value if value is not None else self.known.get(name) or self.known.get(kind) or "x"

        return re.sub(r"<([^>]*)>", fill, pattern).replace("\\", "").replace("(?P", "x")


@pytest.fixture(params=["tenant", "platform"])
def world(request: Any, client_for: Any, alpha: Any, settings: Any) -> Any:
    settings.API_RATE_PER_MINUTE = 10**7
    made = World(client_for, alpha, request.param)
    made.routes = [route for route in HOSTS[request.param] if not SPARED.search(route.path)]
    return made


def addresses(world: Any) -> list[str]:
    return list(dict.fromkeys(route.path for route in world.routes))


def test_every_address_takes_every_method_calmly(world: Any) -> None:
    for pattern in addresses(world):
        path = world.path(pattern)
        for method in METHODS:
            sane(world.clients[0].generic(method, path, b"", HTTP_IDEMPOTENCY_KEY="k"), method, path)


def test_every_address_takes_any_name_in_its_path_calmly(world: Any) -> None:
    some = Rotation(8)
    for pattern in addresses(world):
        for value in some(PATHS) if "<" in pattern else []:
            path = world.path(pattern, value)
            for method in ("GET", "POST"):
                response = world.clients[0].generic(method, path, b"{}", content_type="application/json")
                sane(response, method, path)


def test_every_write_takes_any_body_of_any_type_calmly(world: Any) -> None:
    some = Rotation(24)
    for route in world.routes:
        if route.method == "GET":
            continue
        path, method = world.path(route.path), "POST" if route.method == "*" else route.method
        for body, kind in some([(body, kind) for body in BODIES for kind in TYPES]):
            response = world.clients[0].generic(method, path, body, content_type=kind, HTTP_IDEMPOTENCY_KEY="k")
            sane(response, method, path, (body[:40], kind))


# --- One thing wrong at a time, by the OpenAPI document --------------------------------------------------------------


def document(world: Any) -> dict[str, Any]:
    answer = world.clients[0].get("/api/schema/?format=json", HTTP_ACCEPT="application/json")
    return json.loads(answer.content)


def resolved(schema: Any, whole: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema or "allOf" in schema:
        schema = (
            schema["allOf"][0] if "allOf" in schema else whole["components"]["schemas"][schema["$ref"].split("/")[-1]]
        )
    return schema


def good(name: str, schema: Any, whole: dict[str, Any], world: Any) -> Any:
    """A value that the schema allows, most of the time."""
    schema = resolved(schema, whole)
    if name == "ticket_type":
        return world.ticket_type
    if name in GOOD_FIELDS and schema.get("type") != "object":
        return GOOD_FIELDS[name]
    for choice in schema.get("oneOf", []) + schema.get("anyOf", []):
        return good(name, choice, whole, world)
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {key: good(key, each, whole, world) for key, each in schema.get("properties", {}).items()}
        case "array":
            return [good("", schema.get("items", {}), whole, world)]
        case "integer":
            return 1
        case "number":
            return 1
        case "boolean":
            return False
    return "x"


def places(body: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in the body."""
    inside = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [way for key, value in inside for way in [(*prefix, key), *places(value, (*prefix, key))]]


def with_one(body: Any, way: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    at = changed
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = value
    return changed


def operations(world: Any) -> Any:
    whole = document(world)
    assert len(whole["paths"]) > 20
    for pattern, methods in whole["paths"].items():
        if SPARED.search(pattern):
            continue
        for method, operation in methods.items():
            yield whole, world.path(re.sub(r"\{(\w+)\}", r"<\1>", pattern)), method.upper(), operation


def test_every_field_of_every_body_takes_any_value_calmly(world: Any) -> None:
    keys, some = 0, Rotation(24)
    for whole, path, method, operation in operations(world):
        content = operation.get("requestBody", {}).get("content", {})
        schema = (content.get("application/json") or {}).get("schema")
        if schema is None:
            continue
        body = good("", schema, whole, world)
        for way in places(body):
            for value in some(VALUES):
                keys += 1
                sent = json.dumps(with_one(body, way, value)).encode()
                response = world.clients[0].generic(
                    method, path, sent, content_type="application/json", HTTP_IDEMPOTENCY_KEY=f"n{keys}"
                )
                sane(response, method, path, (way, value))
    assert keys > 50


def test_every_parameter_of_every_address_takes_any_text_calmly(world: Any) -> None:
    common = [
        "page",
        "page_size",
        "cursor",
        "ordering",
        "modified_since",
        "lang",
        "format",
        "secret",
        "search",
        "cookies",
    ]
    some = Rotation(24)
    for _whole, path, method, operation in operations(world):
        if method != "GET":
            continue
        named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        for name in sorted(named | set(common)):
            for text in some(QUERY_TEXTS):
                query = f"{name}={quote(text, safe='%', errors='surrogatepass')}"
                sane(world.clients[0].get(f"{path}?{query}"), method, f"{path}?{query}")


HEADERS = [
    "Accept", "Accept-Language", "Authorization", "Cookie", "If-None-Match", "If-Modified-Since",
    "Idempotency-Key", "Origin",
    "Referer", "X-Order-Secret", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-CSRFToken",
    "X-HTTP-Method-Override",
    "Range", "HX-Request", "HX-Current-URL", "HX-Target", "User-Agent", "Accept-Encoding", "Content-Encoding",
]  # fmt: skip
HEADER_TEXTS = [
    "", "x", "x" * 5000, "\xff\xfe", "Bearer ", "Bearer a.b.c", "Bearer " + "\xe9", "Token x", "*/*;q=x",
    "text/csv", "-1",
    "session=x; refresh=y; csrftoken=\xff; language=" + "x" * 600, '"', 'W/"x', "bytes=0-99999999999999",
    "http://[", "null", "en-" * 300,
    "application/json; indent=999999999", "application/json; version=x", "a=b; a=c; =;;", "%", "2026-99-99",
    "gzip;q=9",
]  # fmt: skip


def test_every_header_takes_any_text_calmly(world: Any) -> None:
    short = [path for path in addresses(world) if path.startswith("/api/v1/events/") or "<" not in path][:24]
    for pattern in short:
        path = world.path(pattern)
        for number, name in enumerate(HEADERS):
            # Each address a sixth of the texts, so that all are sent many times over and the test stays quick.
            for text in HEADER_TEXTS[(number + len(path)) % 6 :: 6]:
                header = {f"HTTP_{name.upper().replace('-', '_')}": text}
                sane(world.clients[2].get(path, **header), "GET", path, header)


# --- Pages: every form that the owner is shown, each field wrong ------------------------------------------------------


class Forms(HTMLParser):
    """The forms of a page: where they go, and what they send as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("method", "get").upper(), given.get("action", ""), {}))
        elif tag in ("input", "select", "textarea", "button") and given.get("name") and self.forms:
            self.forms[-1][2][given["name"]] = given.get("value") or ""


def test_every_field_of_every_form_takes_any_text_calmly(world: Any, page_for: Any, alpha: Any, request: Any) -> None:
    tenant = alpha if "tenant" in request.node.name else None
    seen: set[tuple[str, str]] = set()
    sent, some = 0, Rotation(24)
    for pattern in addresses(world):
        if pattern.startswith("/api/"):
            continue
        page = world.path(pattern)
        for user in (world.owner, None):
            client = page_for(tenant, user, raise_request_exception=False)
            answer = client.get(page)
            sane(answer, "GET", page)
            if not answer.get("Content-Type", "").startswith("text/html"):
                continue
            found = Forms()
            found.feed(answer.content.decode())
            for method, action, fields in found.forms:
                target = action or page
                if (method, target) in seen or SPARED.search(target):
                    continue
                seen.add((method, target))
                for name in fields:
                    for text in some(TEXTS):
                        if name == "csrfmiddlewaretoken" or "\ud800" in text:
                            continue
                        sent += 1
                        data = {**fields, name: text}
                        reply = client.post(target, data) if method == "POST" else client.get(target, data)
                        sane(reply, method, target, (name, text))
    assert sent > 20
