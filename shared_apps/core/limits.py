"""Limits that hold over all hosts and processes (I8): how often something may happen in a stretch of time.

They live on the "global" cache's server and are counted there, in one atomic step. Small limits are exact: no
stretch of that length ever has more. Large ones count in fixed windows, which costs one number per key.
Without the server each process counts for itself, so a lost cache loosens the limits and never stops the product (G3).
"""

import hashlib
import logging
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import caches

logger = logging.getLogger(__name__)

# Up to here every hit is kept with its time. Beyond, a key would cost too much memory.
EXACT = 100
CACHE_REST_SECONDS = 1.0

# KEYS[1] a sorted set of hits by time; ARGV: limit, milliseconds, name of this hit. Time is the server's own.
_SLIDING = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
local count = redis.call('ZCARD', KEYS[1])
local allowed = 0
if count < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], ms, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  count = count + 1
  allowed = 1
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = ARGV[2]
if first[2] then wait = first[2] + ARGV[2] - ms end
return {allowed, count, wait}
"""
_FIXED = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local allowed = 1
if count > tonumber(ARGV[1]) then allowed = 0 end
return {allowed, count, redis.call('PTTL', KEYS[1])}
"""
_FORGET_FIXED = """
if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then return redis.call('DECR', KEYS[1]) end
return 0
"""


@dataclass(frozen=True)
class Decision:
    """Whether this hit is within the limit, how many more are, and in how many seconds the next place is free."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: int
    key: str = field(repr=False, default="")
    member: str = field(repr=False, default="")


def hit(key: str, limit: int, seconds: int) -> Decision:
    """Count one hit and say whether it is within `limit` per `seconds`. A refused one does not count.

    The key may name a person or an address: it is kept as a hash only.
    """
    name = name_of(key)
    member = uuid.uuid4().hex if limit <= EXACT else ""
    script = _SLIDING if member else _FIXED
    answer = _server(script, name, limit, seconds * 1000, member)
    if answer is None:
        answer = _here.hit(name, limit, seconds, member)
    allowed, count, wait = int(answer[0]), int(answer[1]), int(float(answer[2]))
    return Decision(
        allowed=bool(allowed),
        limit=limit,
        remaining=max(0, limit - count),
        reset_after=max(1, -(-wait // 1000)),
        key=name,
        member=member,
    )


def name_of(key: str) -> str:
    """Return under which name the hits of a key are counted."""
    return f"limit:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}"


def take_back(decision: Decision) -> None:
    """Uncount a hit that was allowed, because what it stood for turned out well."""
    if not decision.allowed:
        return
    if decision.member:
        _server("return redis.call('ZREM', KEYS[1], ARGV[1])", decision.key, decision.member)
    else:
        _server(_FORGET_FIXED, decision.key)
    _here.take_back(decision)


def forget(key: str) -> None:
    """Drop all hits of a key."""
    name = name_of(key)
    _server("return redis.call('DEL', KEYS[1])", name)
    _here.forget(name)


_rests_until = 0.0


def _server(script: str, name: str, *arguments: Any) -> Any:
    """Run the script on the cache's server; None where there is none or it does not answer."""
    global _rests_until
    if time.monotonic() < _rests_until:
        return None
    cache = caches["global"]
    store: Any = getattr(cache, "_cache", None)
    if store is None or not hasattr(store, "get_client"):
        return None
    try:
        client = store.get_client(None, write=True)
        return client.eval(script, 1, cache.make_key(name), *arguments)
    except Exception as error:  # whatever the client raises: the count goes on in this process
        _rests_until = time.monotonic() + CACHE_REST_SECONDS
        logger.warning("limits_without_cache", extra={"reason": type(error).__name__})
        return None


class _InThisProcess:
    """The same count for one process, bounded in memory."""

    most_keys = 50_000

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.hits: dict[str, list[tuple[float, str]]] = {}

    def hit(self, name: str, limit: int, seconds: int, member: str) -> tuple[int, int, float]:
        now = time.monotonic()
        with self.lock:
            if len(self.hits) > self.most_keys:
                self.hits.clear()
            kept = [one for one in self.hits.get(name, ()) if one[0] > now - seconds]
            allowed = len(kept) < limit
            if allowed:
                kept.append((now, member))
            self.hits[name] = kept
            wait = kept[0][0] + seconds - now if kept else float(seconds)
            return int(allowed), len(kept), wait * 1000

    def take_back(self, decision: Decision) -> None:
        with self.lock:
            kept = self.hits.get(decision.key)
            if kept:
                index = next((i for i, one in enumerate(kept) if one[1] == decision.member), None)
                if index is not None:
                    del kept[index]

    def forget(self, name: str) -> None:
        with self.lock:
            self.hits.pop(name, None)


_here = _InThisProcess()
