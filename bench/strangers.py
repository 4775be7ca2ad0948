"""Clients of many hosts in turn: each answer is read for words of other tenants, and for its own tenant's.

Everything a tenant of `bench.isolation` holds is called `canary07x` or the like, by its number; `words_in` reads those
numbers out of an answer. A process asks on several connections, some requests with a fault that is forced on them.
"""

import asyncio
import json
import random
import re
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

KINDS = ("raise", "cancel", "hangup", "late", "stream")
# Of forced faults so many kill the whole worker process; whoever else it was answering asks again.
DEATHS = 0.02
LATEST_STATEMENT = 9
MOST_REPEATS = 8
_WORD = re.compile(rb"canary(\d\d)x", re.IGNORECASE)


def word(number: int) -> str:
    return f"canary{number:02}x"


def words_in(text: bytes) -> Counter[int]:
    """Return which tenants' words are in the text, and how often."""
    return Counter(int(found) for found in _WORD.findall(text))


@dataclass(frozen=True, slots=True)
class Tenant:
    """What a client knows of one tenant."""

    number: int
    host: str
    owner: str
    buyer: str
    free_type: int
    events: int
    door: int
    code: str
    order: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One request. `shows` tells whether a good answer has the tenant's word in it; `rows` how many a list counts."""

    method: str
    path: str
    who: str = ""  # "owner", "buyer", or anybody
    body: Any = None
    shows: bool = True
    rows: int | None = None
    secret: str = ""


@dataclass
class Seen:
    """What all answers of a process came to."""

    asked: int = 0
    forced: int = 0
    forced_failed: int = 0
    repeats: int = 0
    foreign: int = 0
    missing: int = 0
    placed: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Seen") -> None:
        for name in ("asked", "forced", "forced_failed", "repeats", "foreign", "missing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.placed += other.placed
        self.statuses += other.statuses
        self.odd += other.odd
        self.troubles += other.troubles


def question(tenant: Tenant, chance: random.Random) -> Question:
    """What somebody might ask of this tenant."""
    event = f"gala-{chance.randrange(tenant.events) + 1}"
    name = word(tenant.number)
    mail = f"{name}-{uuid.UUID(int=chance.getrandbits(128)).hex}@example.test"
    order, secret = tenant.order
    kinds: list[tuple[int, Question]] = [
        (14, Question("GET", "/api/v1/events/", rows=tenant.events)),
        (10, Question("GET", f"/api/v1/events/{event}/")),
        (4, Question("GET", f"/api/v1/events/{event}/ticket-types/")),
        (3, Question("GET", "/api/v1/venues/")),
        (3, Question("GET", "/api/v1/products/")),
        (2, Question("GET", "/api/v1/calendar.ics")),
        (4, Question("GET", f"/events/{event}/")),
        (4, Question("GET", "/")),
        (6, Question("GET", f"/api/v1/orders/{order}/", secret=secret)),
        (3, Question("GET", f"/orders/{order}/{secret}/")),
        (6, Question("GET", "/api/v1/orders/", "buyer")),
        (6, Question("GET", "/api/v1/events/", "owner", rows=tenant.events)),
        (4, Question("GET", "/api/v1/orders/?page_size=5", "owner")),
        (3, Question("GET", "/api/v1/audit/?page_size=5", "owner", shows=False)),
        (3, Question("GET", "/api/v1/settings/", "owner")),
        (2, Question("GET", "/api/v1/exports/events.csv", "owner")),
        (2, Question("GET", "/api/v1/exports/venues.json", "owner")),
        (3, Question("GET", "/dashboard/events/", "owner")),
        (2, Question("GET", "/dashboard/", "owner")),
        (2, Question("GET", "/dashboard/orders/", "owner")),
        (6, Question("POST", "/api/v1/orders/", body={
            "email": mail, "name": name, "lines": [{"ticket_type": tenant.free_type}]})),
        (3, Question("PATCH", f"/api/v1/events/{event}/", "owner", {"summary": f"{mail} was here"})),
        (3, Question("POST", f"/api/v1/check-in-lists/{tenant.door}/scan/", "owner", {
            "code": tenant.code, "scan_id": uuid.UUID(int=chance.getrandbits(128)).hex})),
    ]  # fmt: skip
    return chance.choices([each for _weight, each in kinds], [weight for weight, _each in kinds])[0]


class Client:
    """One process: so many connections, so many requests over all hosts, so large a share with forced faults."""

    def __init__(self, port: int, tenants: list[Tenant], requests: int, connections: int, forced: float, seed: int):
        self.port, self.tenants, self.left, self.connections = port, tenants, requests, connections
        self.forced, self.chance, self.seen = forced, random.Random(seed), Seen()

    def run(self) -> Seen:
        asyncio.run(self._all())
        return self.seen

    async def _all(self) -> None:
        await asyncio.gather(*(self._ask_on() for _ in range(self.connections)))

    async def _ask_on(self) -> None:
        streams: Any = None
        while self.left > 0:
            self.left -= 1
            tenant = self.chance.choice(self.tenants)
            asked = question(tenant, self.chance)
            fault = self._fault() if self.chance.random() < self.forced else ""
            request = self._bytes(tenant, asked, fault)
            for _repeat in range(MOST_REPEATS):
                try:
                    streams = streams or await asyncio.open_connection("127.0.0.1", self.port, limit=4 * 1024 * 1024)
                    streams[1].write(request)
                    head, body, whole, stays = await _answer(streams[0])
                except (OSError, asyncio.IncompleteReadError):
                    head, body, whole, stays = b"", b"", False, False
                if not stays and streams is not None:
                    streams[1].close()
                    streams = None
                self._look(tenant, asked, fault, head, body)
                # A worker that ended or was killed took the connection with it; a browser asks again, and so do we.
                if whole or fault:
                    break
                self.seen.repeats += 1
                await asyncio.sleep(0.05)
            self._count(tenant, asked, fault, head, body, whole)

    def _fault(self) -> str:
        kind = "die" if self.chance.random() < DEATHS else self.chance.choice(KINDS)
        return f"{kind}@{self.chance.randint(1, LATEST_STATEMENT)}"

    def _bytes(self, tenant: Tenant, asked: Question, fault: str) -> bytes:
        token = {"owner": tenant.owner, "buyer": tenant.buyer}.get(asked.who)
        content = b"" if asked.body is None else json.dumps(asked.body).encode()
        headers = {
            "Host": tenant.host,
            "Authorization": f"Bearer {token}" if token and asked.path.startswith("/api/") else "",
            "Cookie": f"session={token}" if token and not asked.path.startswith("/api/") else "",
            "X-Order-Secret": asked.secret,
            "X-Force-Fault": fault,
            "Idempotency-Key": uuid.uuid4().hex if content else "",
            "Content-Type": "application/json" if content else "",
            "Content-Length": str(len(content)) if content else "",
        }
        lines = [
            f"{asked.method} {asked.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items() if value),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + content

    def _look(self, tenant: Tenant, asked: Question, fault: str, head: bytes, body: bytes) -> None:
        """Whatever came, even half of it, is nobody else's."""
        foreign = words_in(head + body)
        del foreign[tenant.number]
        if foreign:
            self.seen.foreign += foreign.total()
            self._trouble(f"{tenant.host} {asked.method} {asked.path} {fault} shows {dict(foreign)}")

    def _count(self, tenant: Tenant, asked: Question, fault: str, head: bytes, body: bytes, whole: bool) -> None:
        status = head[9:12].decode() or "broken"
        self.seen.asked += 1
        if fault:
            self.seen.forced += 1
            self.seen.forced_failed += not whole or status >= "500"
            return
        self.seen.statuses[status] += 1
        if status not in ("200", "201"):
            self.seen.odd[f"{status} {asked.method} {re.sub(r'[0-9A-Z]{8}|gala-.|[?].*', '…', asked.path)}"] += 1
            if status not in ("503",):
                self._trouble(f"{tenant.host} {asked.method} {asked.path}: {status} {body[:200]!r}")
            return
        if asked.method == "POST" and asked.path.endswith("/orders/"):
            self.seen.placed[tenant.number] += 1
        shown = words_in(body)
        if asked.shows and not shown[tenant.number]:
            self.seen.missing += 1
            self._trouble(f"{tenant.host} {asked.method} {asked.path} shows nothing of its own: {body[:150]!r}")
        if asked.rows is not None and json.loads(body)["count"] != asked.rows:
            self.seen.missing += 1
            self._trouble(f"{tenant.host} {asked.path} has other rows than {asked.rows}")

    def _trouble(self, what: str) -> None:
        if len(self.seen.troubles) < 20:
            self.seen.troubles.append(what)


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes, bool, bool]:
    """Head, body, whether all of it came, and whether the connection stays."""
    head = await reader.readuntil(b"\r\n\r\n")
    small = head.lower()
    fields = dict(line.split(b": ", 1) for line in small.split(b"\r\n")[1:] if b": " in line)
    body = b""
    try:
        if b"content-length" in fields:
            body = await reader.readexactly(int(fields[b"content-length"]))
        elif b"transfer-encoding" in fields:
            while size := int((await reader.readline()) or b"", 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        return head, body + getattr(error, "partial", b""), False, False
    return head, body, True, fields.get(b"connection") != b"close"
