"""Fields that only the server decides are ignored or refused, wherever they are sent (I9)."""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection

from api.routes import Route, table
from tests.permissions import matrix, samples
from tests.permissions.world import undone

# What a caller would like to set, with a value that would be told apart in the rows.
MARK = 424_242
WISHES: dict[str, Any] = {
    **dict.fromkeys(
        ("id", "pk", "user", "user_id", "owner", "owner_id", "tenant", "tenant_id", "created_by", "total_minor",
         "paid_minor", "refunded_minor", "subtotal_minor", "unit_price_minor", "amount_minor", "held", "sold",
         "token_version", "order_id", "event_id_", "sequence"), MARK),
    **dict.fromkeys(("is_staff", "is_superuser", "is_active", "paid", "email_verified", "revoked"), True),
    **dict.fromkeys(
        ("status", "secret", "token", "preset", "schema_name", "used_at", "revoked_at", "request_id", "actor",
         "created_at", "modified_at", "email_verified_at", "date_joined", "paid_at", "short_code"),
        "server-owned-424242"),
}  # fmt: skip
TELLTALES = ("424242", "server-owned")
ROUTES = [each for each in table() if each.kind == "api" and each.method in ("POST", "PUT", "PATCH")]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.host} {route.method} {route.path}")
def test_what_the_server_decides_is_not_taken_from_callers(route: Route, world: Any) -> None:
    own = world.places["own"]
    address = matrix.address(route, own, own)
    body = samples.body_of(route.method, route.path, own)
    before = matrix.contents(without=frozenset())
    for name in ("owner", "buyer", "anonymous"):
        actor = next(each for each in world.actors if each.name == name)
        with undone():
            caches["global"].clear()
            response = matrix.ask(route, actor, "own", address, {**WISHES, **body}, world)
            assert response.status_code < 500
            if response.status_code >= 400:
                continue
            changed = matrix.differences(before, matrix.contents(without=frozenset()))
            tables = [each.partition(":")[0] for each in changed]
            for schema, table_name in (each.split(".") for each in tables):
                if table_name == "activity_idempotent":
                    continue  # keeps the answer's bytes and the body's fingerprint
                with connection.cursor() as cursor:
                    for telltale in TELLTALES:
                        cursor.execute(
                            f'SELECT t::text FROM "{schema}"."{table_name}" t WHERE t::text LIKE %s', [f"%{telltale}%"]
                        )
                        assert cursor.fetchone() is None, f"{name}: {table_name} took a field that is the server's"
                    if table_name == "accounts_user":
                        cursor.execute("SELECT count(*) FROM public.accounts_user WHERE is_staff OR is_superuser")
                        assert cursor.fetchone() == (1,), f"{name}: somebody became an operator"
