"""What public readers may keep, and when they must look anew: two numbers for each tenant in the shared cache.

Tables that the public sees are watched. A transaction that wrote one of them adds one to its tenant's number after
the commit; whoever keeps an answer keeps the number that it read before making it, and throws the answer away when
that differs. Writers send no statement for it, lock nothing, and cannot forget it: the connection itself sees what
they write (`notice`), the ORM's rows and hand-written SQL alike. Counters of stock (held, sold) have a number of
their own, since a rush changes them a hundred times a second and readers may then be served an answer half a second
old instead of a hundred made in vain (`RUSH_SECONDS`).

How stale an answer can be: as long as the commit's own process needs to tell the cache, a millisecond or so; half a
second in a rush; never longer than `LONGEST_SECONDS`, whatever gets lost (a process killed between commit and
telling, a cache server that was away), since nothing is kept for longer. M1 is not touched: the counters decide.
See docs/decisions/0023-public-reads.md.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.core.cache import caches
from django.db import transaction

logger = logging.getLogger(__name__)

LONGEST_SECONDS = 5.0
# So many changes of stock since an answer was made are a rush, in which the answer serves for this long.
RUSH_CHANGES = 5
RUSH_SECONDS = 0.5
# Numbers that nobody changes for a day are forgotten; a new one begins at the present time, so none comes twice.
_KEPT_SECONDS = 24 * 3600

CONTENT, STOCK = "content", "stock"
_watched: dict[str, str] = {}
_WRITES = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+(?:ONLY\s+)?"
    r'(?:"?[A-Za-z_]\w*"?\.)?"?([A-Za-z_]\w*)"?',
    re.IGNORECASE,
)
_HEAD = 200
_LONGEST_KNOWN = 5000
# Adds one; a number that was lost begins at the server's clock in microseconds, above whatever it was before.
_RAISE = """
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then
    local now = redis.call('TIME')
    redis.call('SET', key, string.format('%d%06d', now[1], now[2]))
  end
  redis.call('INCR', key)
  redis.call('EXPIRE', key, ARGV[1])
end
"""


def watch(app_label: str, *, stock: Iterable[str] = (), unseen: Iterable[str] = ()) -> None:
    """Let every write to the app's tables make the tenant's public answers stale. Called when the apps start.

    `stock` names models whose rows are counters; `unseen` those that nothing shows to everybody. A new model is
    watched unless somebody says otherwise.
    """
    for model in apps.get_app_config(app_label).get_models(include_auto_created=True):
        if model.__name__ not in unseen:
            _watched[model._meta.db_table] = STOCK if model.__name__ in stock else CONTENT
    _kinds_known.cache_clear()


def key_of(schema_name: str, kind: str) -> str:
    """Return the name of a tenant's number at the cache server. It carries the schema (N4)."""
    return f"foyer-fresh:{schema_name}:{kind}"


def notice(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Look at each statement that the connection sends, after it was sent; reads pass with one comparison."""
    result = execute(sql, params, many, context)
    if isinstance(sql, str):
        start = sql[:1]
        if start not in "Ss" and _watched:
            _look(sql, context["connection"])
        elif not start.strip():
            _look(sql.lstrip(), context["connection"])
    return result


def changed(connection: Any, kinds: Iterable[str]) -> None:
    """Make the present tenant's public answers stale from this transaction's commit on. For writes past `execute`."""
    for kind in kinds:
        change = _Change(connection.schema_name, kind)
        if not connection.in_atomic_block:
            change()
        elif not _is_told(connection, change):
            transaction.on_commit(change, using=connection.alias, robust=True)


def _look(sql: str, connection: Any) -> None:
    # A statement that begins with what it writes names its table at once; one with a WITH may write anywhere.
    text = sql if sql[:1] in "Ww" else sql[:_HEAD]
    kinds = _kinds_known(text) if len(text) < _LONGEST_KNOWN else _kinds_in(text)
    if kinds and connection.schema_name != "public":
        changed(connection, kinds)


def _kinds_in(text: str) -> frozenset[str]:
    return frozenset(_watched[name] for name in _WRITES.findall(text) if name in _watched)


# The same statements come again and again; looking through a long one takes longer than all else here.
_kinds_known = lru_cache(maxsize=1000)(_kinds_in)


class _Change:
    """Tells the cache; equal to any other of the same tenant and kind, so that a transaction tells once."""

    def __init__(self, schema_name: str, kind: str):
        self.key = key_of(schema_name, kind)

    def __call__(self) -> None:
        _raise_numbers([self.key])


def _is_told(connection: Any, change: _Change) -> bool:
    """Whether this transaction tells it already, whatever savepoint is rolled back from here on."""
    alive = set(connection.savepoint_ids)
    return any(
        isinstance(each[1], _Change) and each[1].key == change.key and each[0] <= alive
        for each in connection.run_on_commit
    )


_rests_until = 0.0


def client() -> Any:
    """Return the client of the shared cache's server; None where the cache is another kind or rests after a fault."""
    return None if time.monotonic() < _rests_until else _client_of(getattr(caches["global"], "_cache", None))


_clients: dict[tuple[str, ...], Any] = {}


def _client_of(store: Any) -> Any:
    # Django makes a new client for each command, which costs more than the command.
    servers = tuple(getattr(store, "_servers", ()))
    found = _clients.get(servers)
    if found is None and hasattr(store, "get_client"):
        found = _clients[servers] = store.get_client(None, write=True)
    return found


def rest() -> None:
    """Leave a server that did not answer alone for a second: its time-out is not paid by each request."""
    global _rests_until
    _rests_until = time.monotonic() + 1.0


def _raise_numbers(keys: list[str]) -> None:
    # Not through `client`: a change is told even if a reader has just met a fault.
    server = _client_of(getattr(caches["global"], "_cache", None))
    if server is None:
        return
    try:
        server.eval(_RAISE, len(keys), *keys, _KEPT_SECONDS)
    except Exception as error:
        # What readers keep ends by itself after LONGEST_SECONDS.
        logger.warning("readers_not_told", extra={"reason": type(error).__name__})
