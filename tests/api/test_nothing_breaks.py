"""No route of the product answers rubbish with a 5xx (B1), whoever sends it."""

import json
import re
from importlib import import_module
from typing import Any

import pytest

from api.routes import Route, routes
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user, owner_of

RUBBISH: list[Any] = [
    {},
    {"email": 5, "lines": 5, "name": [], "code": {}, "title": None, "starts_at": "x", "scans": 1, "permissions": "x"},
    {"lines": [5, None, {"ticket_type": "x"}], "email": ["a"], "attendees": {}, "starts_at": {}, "role": "x"},
    {"lines": [{"ticket_type": 2**63 - 1, "quantity": 2**63 - 1}], "email": "a@example.test", "role": 2**63 - 1},
    {"title": "x" * 100_000, "name": "x" * 100_000, "email": "x" * 100_000, "code": "x" * 100_000, "amount": "1e99"},
    {"title": "\u202e\u200b😀", "name": "\r\nBcc: x", "email": "a@b\r\n.test", "code": "' OR 1=1--", "amount": -1},
    {"starts_at": "9999-12-31T23:59:59+23:59", "ends_at": "0001-01-01T00:00:00Z", "timezone": "../etc/passwd"},
    {
        "capacity": 2**31,
        "price": "99999999999999999",
        "currency": "XXX",
        "ticket_types": [2**63 - 1, -1],
        "min_per_order": 2**40,
    },
    {
        "quantity": 1e308,
        "capacity": -1,
        "price": 1e308,
        "sale_starts_at": "2026-03-29T02:30:00",
        "timezone": "Europe/Berlin",
    },
]
NAMES = ["x", "0", "-1", "9" * 19, "9" * 60, "%2e%2e%2f", "a'b\"c", "Ёж😀", "00000000-0000-0000-0000-000000000000"]
QUERIES = [
    "page=0", "page=9999999&page_size=100", "ordering=%27", "cursor=cD0x", "search=" + "(" * 200,
    "search=%5C%27%26%7C!",
    "date_from=x&date_to=9999", "price_min=NaN&price_max=1e999", "available=maybe", "status=x", "modified_since=x",
    "category=%F0%9F%98%80", "lang=../../x", "secret=" + "x" * 300, "from=x&to=y", "cookies=maybe",
]  # fmt: skip


def api_routes(urlconf: str, *, on_platform: bool) -> list[Route]:
    found = routes(import_module(urlconf).urlpatterns, on_platform=on_platform)
    return [route for route in found if route.path.startswith("/api/v1/")]


TENANT = api_routes("platform_config.urls_tenant", on_platform=False)
PLATFORM = api_routes("platform_config.urls_public", on_platform=True)


def addresses(path: str, named: list[str]) -> list[str]:
    if "<" not in path:
        return [path]
    return [re.sub(r"<[^>]*>", name.replace("\\", ""), path) for name in named]


def assert_sane(response: Any, what: str) -> None:
    assert response.status_code < 500, (what, response.content[:500])
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json", what
        assert b"Traceback" not in response.content


@pytest.mark.parametrize("caller", ["nobody", "stranger", "owner"])
def test_rubbish_is_refused_politely_on_a_tenants_host(client_for: Any, alpha: Any, settings: Any, caller: str) -> None:
    settings.API_RATE_PER_MINUTE = 10**6
    person = {"nobody": lambda: None, "stranger": make_user, "owner": lambda: owner_of(alpha)}[caller]()
    with in_tenant(alpha):
        ticket_type = make_ticket_type(make_event())
        order = make_order(ticket_type)
    real = [ticket_type.event.slug, str(ticket_type.pk), order.code, str(order.pk)]
    client = client_for(alpha, person)
    client.raise_request_exception = False
    try_all(client, TENANT, real, caller)


@pytest.mark.parametrize("caller", ["nobody", "stranger"])
def test_rubbish_is_refused_politely_on_the_platforms_host(
    client_for: Any, db: None, settings: Any, caller: str
) -> None:
    settings.API_RATE_PER_MINUTE = 10**6
    client = client_for(None, make_user() if caller == "stranger" else None)
    client.raise_request_exception = False
    try_all(client, PLATFORM, [], caller)


def try_all(client: Any, there: list[Route], real: list[str], caller: str) -> None:
    keys = iter(range(10**9))
    for route in there:
        if "logout" in route.path or "password/change" in route.path or "change_password" in route.path:
            continue  # they would end the caller's sign-in; tests/accounts sends them its own rubbish
        named = [*NAMES, *real] if caller == "owner" else [*NAMES[:2], *real]
        for address in addresses(route.path, named):
            if route.method == "GET":
                for query in QUERIES if "<" not in route.path else QUERIES[:2]:
                    assert_sane(client.get(f"{address}?{query}"), f"GET {address}?{query}")
                continue
            # What is not there is not there whatever the body; rows that exist are sent everything.
            bodies = RUBBISH if "<" not in route.path or address in addresses(route.path, real) else RUBBISH[:1]
            for body in bodies[:1] if route.method == "DELETE" else bodies:
                response = client.generic(
                    route.method,
                    address,
                    json.dumps(body).encode(),
                    content_type="application/json",
                    HTTP_IDEMPOTENCY_KEY=f"k{next(keys)}",
                )
                assert_sane(response, f"{route.method} {address} {str(body)[:80]}")
