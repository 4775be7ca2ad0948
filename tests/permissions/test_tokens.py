"""A token that is no good is 401 with a stable code on every route that looks at tokens at all."""

from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from api.routes import PLATFORM, Route, table
from tests.permissions import matrix, samples

ROUTES = [route for route in table() if route.kind == "api" and route.authenticates]
CODES = {"token_invalid", "token_expired", "token_reused", "session_ended", "account_inactive"}


@pytest.fixture
def bad_tokens(world: Any) -> dict[str, str]:
    """One of each kind, made from a good one."""
    from tests.factories import bearer, make_user

    user = make_user()
    good = bearer(user)
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")
    ended = bearer(user)
    from shared_apps.accounts.tokens import end_everywhere, open_session

    refresh = str(open_session(user).refresh)
    end_everywhere(user)
    return {
        "malformed": "not-a-token",
        "of another body": f"{head}.{body[:-4]}AAAA.{signature}",
        "signed by nobody": jwt.encode(claims, None, algorithm="none"),
        "signed by somebody else": jwt.encode(claims, "x" * 64, algorithm="HS256"),
        "expired": jwt.encode({**claims, "exp": timezone.now().timestamp() - 9}, "x" * 64, algorithm="HS256"),
        "of the wrong type": refresh,
        "of a session that is over": ended,
        "suspended": next(actor.bearer for actor in world.actors if actor.suspended),
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.host} {route.method} {route.path}")
def test_bad_tokens_are_401_everywhere(route: Route, world: Any, bad_tokens: dict[str, str]) -> None:
    place = world.places["own"]
    address = matrix.address(route, place, place)
    host = "localhost" if route.host == PLATFORM else "alpha.localhost"
    body = samples.body_of(route.method, route.path, place)
    json_body = {} if any(hasattr(value, "read") for value in body.values()) else body
    for kind, token in bad_tokens.items():
        client = Client(HTTP_HOST=host, HTTP_AUTHORIZATION=f"Bearer {token}", raise_request_exception=False)
        response = client.generic(route.method, address, str(json_body), content_type="application/json")
        assert response.status_code == 401, (kind, response.status_code, response.content[:200])
        assert response.json()["code"] in CODES, (kind, response.json())
        assert response["WWW-Authenticate"]
