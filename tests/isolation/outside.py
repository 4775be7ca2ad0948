"""What leaves a tenant otherwise than by an answer: mails, calls to others' servers, the cache, rows; and its keys."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any
from uuid import uuid4

from celery import current_app
from django.core import mail
from django.test import Client

from platform_config.schedule import SCHEDULE
from shared_apps.core import outgoing
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.notifications import topics, unsubscribing
from tenant_apps.staff.invitations import token_of
from tenant_apps.ticketing.codes import code_text
from tenant_apps.webhooks import sending
from tenants import freshness
from tenants.context import in_tenant
from tests.isolation.canaries import WORDS
from tests.isolation.crawl import Crawl, Lines, mentions, unpacked
from tests.isolation.twins import Twin
from tests.permissions.world import undone


class Sent:
    """Answers every call to an address outside with "200", and keeps what was sent."""

    def __init__(self, monkeypatch: Any):
        self.calls: list[tuple[str, bytes, str]] = []
        monkeypatch.setattr(outgoing, "post", self._post)

    def _post(self, address: str, body: bytes, headers: Any, **options: Any) -> outgoing.Answer:
        self.calls.append((address, body, str(dict(headers))))
        return outgoing.Answer(200, b"", {})


class Watching:
    """What is mailed, sent and logged in the block is the twin's own."""

    def __init__(self, crawl: Crawl, twin: Twin, sent: Sent):
        self.crawl, self.twin, self.sent, self.lines = crawl, twin, sent, Lines()

    def __enter__(self) -> None:
        self.lines.__enter__()

    def __exit__(self, *error: object) -> None:
        self.lines.__exit__(*error)
        for message in mail.outbox:
            self.crawl.asked["mails"] += 1
            for text in _parts_of(message):
                self.crawl.look(f"a mail of {self.twin.host}, {message.subject}", text, self.twin)
        for address, body, headers in self.sent.calls:
            self.crawl.asked["calls"] += 1
            for text in (address.encode(), body, headers.encode()):
                self.crawl.look(f"a call of {self.twin.host} to {address}", text, self.twin)
        mail.outbox.clear()
        self.sent.calls.clear()
        self.crawl.judge_lines(self.lines.found, self.twin, "background work")


def _parts_of(message: Any) -> Iterator[bytes]:
    """The envelope, the headers and every part of a mail, taken out of its wrapping."""
    yield " ".join(message.recipients()).encode()
    whole = message_from_bytes(message.message().as_bytes(), policy=policy.default)
    yield "\n".join(f"{name}: {value}" for name, value in whole.items()).encode()
    for part in whole.walk():
        if not part.is_multipart():
            content = part.get_content()
            yield from unpacked(content.encode() if isinstance(content, str) else content)


def work_off(twin: Twin) -> None:
    with in_tenant(twin.tenant):
        deliver_due(500)
        sending.deliver_due(seconds=2)


def jobs() -> list[str]:
    """What the schedule does in each tenant, but for what asks others' servers about payments."""
    current_app.loader.import_default_modules()
    return [entry.task for entry in SCHEDULE if entry.each_tenant and not entry.task.startswith("payments.")]


def run(name: str, twin: Twin) -> None:
    with in_tenant(twin.tenant):
        current_app.tasks[name].run()


# --- Keys -------------------------------------------------------------------------------------------------------------


def openers(twin: Twin) -> dict[str, tuple[str, dict[str, str]]]:
    """By name: an address, and what to send along, that open something of this twin's to whoever has them."""
    own = twin.world.places["own"]
    key = next(actor.key for actor in twin.actors if actor.key)
    owner = next(actor for actor in twin.actors if actor.name == "owner")
    with in_tenant(twin.tenant):
        invitation = token_of(own.invitation)
        topic = next(topic for topic in topics.all_topics() if topic.wished_as and not topic.fixed)
        unsubscribe = unsubscribing.unsubscribe_url(twin.tenant, own.order.email, topic)
    return {
        "the secret of an order in its address": (f"/orders/{own.order.code}/{own.order.secret}/", {}),
        "the secret of an order": (f"/api/v1/orders/{own.order.code}/", {"HTTP_X_ORDER_SECRET": own.order.secret}),
        "the link of a ticket that was passed on": (f"/tickets/{own.given.pk}/{own.given.secret}/", {}),
        "a place in a waiting list": (f"/waiting-list/{own.waiting.secret}/", {}),
        "a guest's cart": ("/api/v1/cart/", {"HTTP_X_CART_TOKEN": own.cart_token}),
        "a program's key": ("/api/v1/orders/", {"HTTP_AUTHORIZATION": f"Token {key}"}),
        "staff's sign-in": ("/api/v1/settings/", {"HTTP_AUTHORIZATION": f"Bearer {owner.bearer}"}),
        "an invitation": (f"/invitations/{invitation}/", {}),
        "a mail's link": ("/" + unsubscribe.split("/", 3)[3], {}),
    }


def is_closed(response: Any) -> bool:
    """Nothing was opened: refused, not there, or an answer in which nobody's words are."""
    if response.status_code in (401, 403, 404):
        return True
    return not any(mentions(word, response.content) for word in WORDS.values())


def code_of(twin: Twin) -> str:
    with in_tenant(twin.tenant):
        return code_text(twin.world.places["own"].unused_line.ticket)


def scanned(twin: Twin, code: str) -> tuple[str, str]:
    """What the door of this twin says to the code."""
    owner = next(actor for actor in twin.actors if actor.name == "owner")
    with undone():
        client = Client(HTTP_HOST=twin.host, HTTP_AUTHORIZATION=f"Bearer {owner.bearer}")
        said = client.post(
            f"/api/v1/check-in-lists/{twin.world.places['own'].list.pk}/scan/",
            {"code": code, "scan_id": uuid4().hex},
            content_type="application/json",
        ).json()
    return said["result"], said.get("reason") or ""


# --- Stores -----------------------------------------------------------------------------------------------------------


def what_is_cached() -> list[str]:
    """Name what lies at the cache server under a key that does not name the one tenant whose words it holds."""
    client: Any = freshness.client()
    wrong = []
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        held = {
            b"string": lambda key: client.get(key), b"hash": lambda key: repr(client.hgetall(key)).encode(),
            b"zset": lambda key: repr(client.zrange(key, 0, -1)).encode(),
        }.get(kind, lambda key: b"")(key) or b""  # fmt: skip
        for slug, word in WORDS.items():
            if mentions(word, held + key) and f"t_{slug}".encode() not in key:
                wrong.append(f"{key!r} holds {word}")
    return wrong


def rows_with_words(cursor: Any) -> dict[tuple[str, str], list[str]]:
    """For both schemas and public, and each word: an example from each table that has rows with it."""
    found: dict[tuple[str, str], list[str]] = {}
    cursor.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 't_alpha', 't_beta') ORDER BY 1, 2"
    )
    for schema, table in cursor.fetchall():
        for word in WORDS.values():
            there = found.setdefault((schema, word), [])
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t WHERE t::text ILIKE %s LIMIT 1', [f"%{word}%"])
            there += [f"{table}: {row[:300]}" for (row,) in cursor.fetchall()]
    return found
