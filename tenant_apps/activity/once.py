"""Doing something once, however often it is asked for (O2)."""

import hashlib
from collections.abc import Callable

from django.db import connection

from shared_apps.core.attempts import whole
from shared_apps.core.errors import Conflict
from tenant_apps.activity.models import IdempotentRequest


def take_key(scope: str, key: str, fingerprint: str) -> bool:
    """Write a key down, in the transaction of what it stands for; False if it is there already.

    Waits for another transaction that has just written it, as long as any row is waited for.
    """
    table = connection.ops.quote_name(IdempotentRequest._meta.db_table)
    statement = (
        f"INSERT INTO {table} (scope, key, fingerprint, started_at, content_type)"  # noqa: S608  (our own table)
        " VALUES (%s, %s, %s, now(), '') ON CONFLICT (scope, key) DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [scope, key, fingerprint])
        return bool(cursor.rowcount)


def keep_answer(scope: str, key: str, status: int, body: bytes, content_type: str) -> None:
    """Store the answer beside the key that was taken."""
    table = connection.ops.quote_name(IdempotentRequest._meta.db_table)
    statement = f"UPDATE {table} SET status = %s, body = %s, content_type = %s WHERE scope = %s AND key = %s"  # noqa: S608  (our own table)
    with connection.cursor() as cursor:
        cursor.execute(statement, [status, body, content_type, scope, key])


def once(scope: str, key: str, act: Callable[[], str]) -> str:
    """Call the function and keep what it returns; for a key that was used, return what was kept.

    For forms that are sent twice by a second tap or a reload: the key is drawn when the form is shown and goes
    with what was typed, so that another content is another act. A refusal keeps nothing. After a deadlock all is
    done again (M2), so `act` must call nothing outside. It must not be called inside a `whole`.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()

    def run() -> str:
        if not take_key(scope, digest, digest):
            kept = IdempotentRequest.objects.get(scope=scope, key=digest)
            if kept.status is None:
                raise Conflict
            return bytes(kept.body or b"").decode()
        result = act()
        keep_answer(scope, digest, 200, result.encode(), "")
        return result

    return whole(run)
