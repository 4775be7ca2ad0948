"""A sign-in that is no good is 401 with a stable code on every route that looks at sign-ins at all (I5).

Anonymous callers may reach some of these routes. Who sends something bad may not: a program whose key expired must be
told so, not be served as a stranger.
"""

import json
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from api.routes import PLATFORM, Route, table
from tests.permissions import bad_signins, bodies, matrix
from tests.permissions.bad_signins import BadSignIn
from tests.permissions.world import undone

ROUTES = [route for route in table() if route.kind == "api" and route.authenticates]
REFRESHING = [
    (host, path, field)
    for host in ("localhost", "alpha.localhost")
    for path, field in (
        ("/api/v1/auth/token/refresh/", "refresh"),
        ("/api/v1/users/token/refresh/", "refresh"),
        ("/api/v1/auth/token/verify/", "token"),
    )
]


@pytest.fixture(scope="package")
def bad(world: Any) -> list[BadSignIn]:
    return bad_signins.all_of(world.alpha, world.beta)


def test_there_are_enough_kinds_and_each_is_another(bad: list[BadSignIn]) -> None:
    assert len(bad) >= 25
    assert len({each.kind for each in bad}) == len({str(each.headers) for each in bad}) == len(bad)
    assert {each.code for each in bad} == {
        "token_invalid", "token_expired", "session_ended", "account_inactive",
        "key_unknown", "key_malformed", "key_expired", "key_revoked",
    }  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.host} {route.method} {route.path}")
def test_bad_sign_ins_are_401_everywhere(route: Route, world: Any, bad: list[BadSignIn], record_property: Any) -> None:
    place = world.places["own"]
    address = matrix.address(route, place, place)
    assert address is not None
    host = "localhost" if route.host == PLATFORM else "alpha.localhost"
    body = bodies.body_of(route.method, route.path, place)
    sent = json.dumps({} if any(hasattr(value, "read") for value in body.values()) else body)
    client = Client(HTTP_HOST=host, raise_request_exception=False)
    wrong = []
    record_property("permissions_matrix", {"bad sign-ins": len(bad)})
    with undone(), matrix.nothing_changes() as changed:
        for each in bad:
            headers = {**each.headers, "HTTP_IDEMPOTENCY_KEY": "bad-sign-in"}
            response = client.generic(route.method, address, sent, content_type="application/json", **headers)
            code = response.json().get("code") if response.status_code >= 400 else None
            if (response.status_code, code) != (401, each.code_on(route.host)):
                wrong.append(f"{each.kind}: {response.status_code} {code} instead of 401 {each.code_on(route.host)}")
            elif not response["WWW-Authenticate"]:
                wrong.append(f"{each.kind}: does not say how one signs in")
    assert not wrong, "\n".join(wrong)
    assert not changed, changed


@pytest.mark.parametrize(("host", "path", "field"), REFRESHING)
def test_bad_refresh_tokens_are_401_with_their_code(host: str, path: str, field: str, world: Any) -> None:
    with undone():
        wrong = []
        for kind, (text, code) in bad_signins.refresh_tokens().items():
            if not text:
                continue  # nothing sent is a 400, or the cookie's turn: tests/accounts
            caches["global"].clear()
            client = Client(HTTP_HOST=host, raise_request_exception=False)
            response = client.post(path, {field: text}, content_type="application/json")
            said = response.json().get("code")
            if field == "token" and kind == "of the other type":
                # "verify" is asked about tokens of either type.
                assert response.status_code == 200, response.content
            elif (response.status_code, said) != (401, code):
                wrong.append(f"{kind}: {response.status_code} {said} instead of 401 {code}")
        assert not wrong, "\n".join(wrong)
