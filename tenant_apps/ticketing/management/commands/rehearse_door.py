"""`manage.py rehearse_door`: plays an evening at the door against a running server, and says how it went.

It makes an event of its own with tickets, a check-in list and an API key, sends what the gates would send over HTTP
(arrivals by a curve, people who go out and come back, forged codes, codes that are shown twice, gates that lose their
network, decide by themselves and send it all later), compares what came of it with what must, and takes everything
away again. Nobody's sales are touched.
"""

import http.client
import json
import statistics
import sys
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from shared_apps.accounts.models import User
from tenant_apps.events.models import Event
from tenant_apps.events.services import create_event
from tenant_apps.staff.keys import make_key
from tenant_apps.staff.keys import revoke as revoke_key
from tenant_apps.staff.models import Membership
from tenant_apps.ticketing import codes, evening
from tenant_apps.ticketing.evening import Act, Evening
from tenant_apps.ticketing.keys import ensure_key
from tenant_apps.ticketing.models import CheckIn, CheckInList, Ticket
from tenant_apps.ticketing.scanning import MOST_SCANS
from tenant_apps.ticketing.services import create_ticket_type, ensure_door
from tenants.context import in_tenant
from tenants.lookup import primary_host
from tenants.models import Tenant

TIMEOUT_SECONDS = 20.0
BARS = 12


class Gate(threading.Thread):
    """One scanner: sends each scan as it is read, or, without network, all of them afterwards. Touches no database."""

    def __init__(self, number: int, acts: Sequence[Act], plan: Evening, door: "Door", began: float, seconds: float):
        super().__init__(name=f"gate {number}", daemon=True)
        self.acts, self.plan, self.door = acts, plan, door
        self.began, self.seconds = began, seconds
        self.answers: list[tuple[Act, dict[str, Any]]] = []
        self.latencies: list[float] = []
        self.batches: list[int] = []
        self.trouble: list[str] = []
        self._waiting: list[tuple[Act, dict[str, Any]]] = []
        self._known: set[str] = set()
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        try:
            for act in self.acts:
                if self._waiting and not self.plan.is_offline(act):
                    self._sync()
                time.sleep(max(0.0, self.began + act.at * self.seconds - time.monotonic()))
                body = {"code": act.code, "scan_id": act.scan_id, "direction": act.direction}
                if self.plan.is_offline(act):
                    self._waiting.append((act, {**body, **self._decide(act)}))
                    continue
                sent = time.perf_counter()
                answer = self._post("scan/", body, (200, 201))
                self.latencies.append(time.perf_counter() - sent)
                self._known.add(act.code)
                self.answers.append((act, answer))
            self._sync()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.trouble.append(f"{self.name}: {error}")

    def _decide(self, act: Act) -> dict[str, str]:
        """What a scanner does without network: it knows the tickets it was told of, and whom it let in itself."""
        good = act.ticket >= 0 and (act.direction == "out" or act.code not in self._known)
        self._known.add(act.code)
        return {"scanned_at": datetime.now(UTC).isoformat(), "decided": "admitted" if good else "refused"}

    def _sync(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:MOST_SCANS], self._waiting[MOST_SCANS:]
            body = {"scans": [each for _act, each in some], "sent_at": datetime.now(UTC).isoformat()}
            told = self._post("scans/", body, (200,))["results"]
            self.answers += zip([act for act, _each in some], told, strict=True)
            self.batches.append(len(some))

    def _post(self, path: str, body: dict[str, Any], good: tuple[int, ...]) -> dict[str, Any]:
        headers = {
            "Host": self.door.host, "Authorization": f"Token {self.door.key}", "Content-Type": "application/json"
        }  # fmt: skip
        content = json.dumps(body)
        for attempt in (1, 2):
            if self._connection is None:
                kind = http.client.HTTPSConnection if self.door.secure else http.client.HTTPConnection
                self._connection = kind(self.door.address, self.door.port, timeout=TIMEOUT_SECONDS)
            try:
                self._connection.request("POST", self.door.path + path, content, headers)
                response = self._connection.getresponse()
                text = response.read()
                break
            except (OSError, http.client.HTTPException):
                # As a scanner does: the same scan id once more, which is answered as the first time (T3).
                self._connection.close()
                self._connection = None
                if attempt == 2:
                    raise
        if response.status not in good:
            raise ValueError(f"{path} was answered {response.status}: {text[:300]!r}")
        found: dict[str, Any] = json.loads(text)
        return found


class Door:
    """Where the gates send to, and with which key."""

    def __init__(self, url: str, host: str, entrance: int, key: str):
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        self.address = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if self.secure else 80)
        # The port of the URL belongs to the host's name as a browser would send it.
        self.host = host if parts.port is None or ":" in host else f"{host}:{parts.port}"
        self.path, self.key = f"/api/v1/check-in-lists/{entrance}/", key


class Command(BaseCommand):
    help = "Plays an evening at the door against a running server; exit code 1 if anything was answered wrongly."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="The tenant's slug, such as aurora.")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Where the server listens.")
        parser.add_argument("--host", help="The host to name (default: the tenant's own).")
        parser.add_argument("--tickets", type=int, default=500)
        parser.add_argument("--gates", type=int, default=4)
        parser.add_argument("--outages", type=int, default=2, help="Gates that lose their network for a while.")
        parser.add_argument("--seconds", type=float, default=60.0, help="How long the evening takes.")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--keep", action="store_true", help="Leave event, tickets and scans in place.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["tickets"] <= 100_000 or not 2 <= options["gates"] <= 200 or options["seconds"] <= 0:
            raise CommandError("1 to 100000 tickets, 2 to 200 gates, and more than 0 seconds.")
        tenant = Tenant.objects.with_schema().filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        with in_tenant(tenant):
            owner = Membership.objects.filter(role__preset="owner").order_by("pk").first()
            if owner is None:
                raise CommandError("The tenant has no owner, in whose name the gates could scan.")
            actor = User.objects.get(pk=owner.user_id)
            event, texts = _set_up(actor, options["tickets"])
            key, text = make_key(name="Door rehearsal", scopes=["check_in"], events=[event], actor=actor)
            try:
                entrance = CheckInList.objects.get(event=event)
                plan = evening.plan(
                    texts, _forgeries(event, texts), gates=options["gates"], seed=options["seed"],
                    outages=options["outages"],
                )  # fmt: skip
                door = Door(options["url"], options["host"] or primary_host(tenant), entrance.pk, text)
                gates = self._play(plan, door, options["gates"], options["seconds"])
                right = self._report(plan, gates, entrance, options["seconds"])
            finally:
                revoke_key(key, actor=actor)
                if not options["keep"]:
                    _take_away(event)
        if not right:
            sys.exit(1)

    def _play(self, plan: Evening, door: Door, count: int, seconds: float) -> list[Gate]:
        began = time.monotonic() + 0.2
        gates = [
            Gate(number, [act for act in plan.acts if act.gate == number], plan, door, began, seconds)
            for number in range(count)
        ]
        for gate in gates:
            gate.start()
        for gate in gates:
            gate.join()
        return gates

    def _report(self, plan: Evening, gates: Sequence[Gate], entrance: CheckInList, seconds: float) -> bool:
        answers = [each for gate in gates for each in gate.answers]
        results = Counter(
            (told["result"] if told["result"] == "admitted" else told["reason"], act.direction) for act, told in answers
        )
        say = self.stdout.write
        say(f"{len(answers)} scans at {len(gates)} gates in {seconds:.0f} s, " + _in_words(plan.kinds))
        _draw(say, [act.at for act in plan.acts])
        for (what, direction), number in sorted(results.items()):
            say(f"  {what.replace('_', ' ')}{' (going out)' if direction == 'out' else ''}: {number}")
        late = [size for gate in gates for size in gate.batches]
        conflicts = sum(told["conflict"] for _act, told in answers)
        say(f"  sent later by {len(plan.outages)} gates without network: {sum(late)} in {len(late)} batches")
        say(f"  of them answered otherwise than the gate had decided: {conflicts}")
        for gate in gates:
            if gate.latencies:
                worst = max(gate.latencies) * 1000
                middle = statistics.median(gate.latencies) * 1000
                say(f"  {gate.name}: {len(gate.answers)} scans, median {middle:.0f} ms, longest {worst:.0f} ms")
        faults = self._faults(plan, gates, answers, entrance)
        for fault in faults:
            say(self.style.ERROR(fault))
        if not faults:
            say(self.style.SUCCESS("Everybody who had to get in got in once, and nobody else."))
        return not faults

    def _faults(
        self, plan: Evening, gates: Sequence[Gate], answers: Sequence[tuple[Act, dict[str, Any]]], entrance: CheckInList
    ) -> list[str]:
        faults = [trouble for gate in gates for trouble in gate.trouble]
        if len(answers) != len(plan.acts):
            faults.append(f"{len(plan.acts) - len(answers)} scans got no answer.")
        if forged := sum(act.ticket < 0 and told["result"] == "admitted" for act, told in answers):
            faults.append(f"{forged} forgeries were let in.")
        rows = CheckIn.objects.filter(check_in_list=entrance)
        entries = rows.admissions().count()
        leavings = rows.filter(result="admitted", direction="out").count()
        inside = rows.standing().count()
        for name, found, right in (
            ("entries", entries, plan.entries), ("leavings", leavings, plan.leavings),
            ("people inside", inside, plan.entries - plan.leavings), ("scans kept", rows.count(), len(plan.acts)),
        ):  # fmt: skip
            if found != right:
                faults.append(f"{found} {name}, and {right} would be right.")
        return faults


def _set_up(actor: User, count: int) -> tuple[Event, list[str]]:
    """An event that is not published, with tickets that nobody bought; returns the texts of their codes."""
    starts_at = timezone.now() + timedelta(hours=2)
    event = create_event(
        actor=actor, title="Door rehearsal", starts_at=starts_at, ends_at=starts_at + timedelta(hours=3)
    )  # fmt: skip
    kind = create_ticket_type(event, actor=actor, name="Rehearsal", price_minor=0)
    ensure_door(event)
    tickets = [
        Ticket(
            event=event, ticket_type=kind, token=codes.new_token(), short_code=codes.new_short_code(),
            holder_name=f"Guest {number}", price_minor=0, currency=event.currency,
        )
        for number in range(count)
    ]  # fmt: skip
    Ticket.objects.bulk_create(tickets, batch_size=2000)
    key = ensure_key(event)
    return event, [codes.code_text(ticket, key) for ticket in tickets]


def _forgeries(event: Event, texts: Sequence[str]) -> list[str]:
    """Texts that look like tickets: a changed letter, a good signature on a ticket that never was, another site's."""
    first = texts[0]
    changed = [f"{text[:-9]}{'A' if text[-9] != 'A' else 'B'}{text[-8:]}" for text in texts[:20]]
    never = codes.code_text(Ticket(event_id=event.pk, token=codes.new_token()))
    return [*changed, never, first[:100], f"https://example.test/{first[-40:]}", "TICKET-12345"]


@transaction.atomic
def _take_away(event: Event) -> None:
    CheckIn.objects.filter(check_in_list__event=event).delete()
    Ticket.objects.filter(event=event).delete()
    event.delete()


def _in_words(kinds: Counter[str]) -> str:
    return ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))


def _draw(say: Any, moments: Iterable[float]) -> None:
    """The curve of the evening: a bar for each twelfth of it."""
    counts = Counter(min(BARS - 1, int(moment * BARS)) for moment in moments)
    most = max(counts.values(), default=1)
    for part in range(BARS):
        say(f"  {part * 100 // BARS:>3} %  {'#' * round(counts[part] * 40 / most):<40} {counts[part]}")
