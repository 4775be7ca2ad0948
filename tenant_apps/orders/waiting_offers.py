"""Places that came free go to those who wait for them: offered, put aside for a group, ordered, or given back.

What is held for somebody is held in the same counters, by the same claims, as an unpaid order's places (M1). Whoever
frees places lets them be passed on before the commit, while the counters' rows are locked, so nobody who buys in the
open sale comes in between. Types are kept, then quotas locked by id, then entries (M2), which move once (O1).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from shared_apps.core.capacity import fewest, in_lock_order
from shared_apps.core.database_errors import retrying
from shared_apps.core.errors import Busy, SoldOut, WrongState
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.orders import errors, fulfilment
from tenant_apps.orders.cart_holds import Held, exchange
from tenant_apps.orders.models import Order, OrderLine, WaitingEntry
from tenant_apps.orders.selection import refuse_off_sale
from tenant_apps.orders.waiting_models import IN_LINE
from tenant_apps.ticketing.freed import places_freed
from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference

Status = WaitingEntry.Status
# So many are looked at in one go; the next sweep goes on from there.
MOST_AT_ONCE = 500


def awaited(now: datetime) -> "QuerySet[TicketType]":
    """Ticket types that somebody waits for and that can be offered now."""
    on_sale: Any = TicketType.objects.filter(waiting_list=True, event__status=Event.Status.PUBLISHED)
    over = Coalesce("event__ends_at", "event__starts_at")
    line = WaitingEntry.objects.filter(ticket_type=OuterRef("pk"), status__in=IN_LINE)
    found: QuerySet[TicketType] = on_sale.in_sale_window(now).alias(over=over).filter(Exists(line), over__gt=now)
    return found


def awaited_from(quotas: Collection[int], now: datetime) -> "QuerySet[TicketType]":
    """Those of them that draw from one of these quotas."""
    drawn = QuotaTicketType.objects.filter(ticket_type=OuterRef("pk"), quota__in=quotas)
    return awaited(now).filter(Exists(drawn))


@retrying
@transaction.atomic
def hand_on(quotas: Collection[int], *, now: datetime | None = None) -> int:
    """Offer the free places of these quotas to those who wait, first come first; return how many offers were made.

    A group is served whole or not at all. If it is its turn and too few are free, they are put aside for it for as long
    as the tenant says; after that those behind it come first, and it keeps its place in line.

    Waits for no lock of a type or quota: what somebody is just changing is left to whoever comes next.
    """
    now = now or timezone.now()
    found = {one.pk: one for one in awaited_from(quotas, now).select_related("event")}
    kept = _keep(found)
    draws = _draws(kept)
    wanted = {pk for drawn in draws.values() for pk in drawn}
    rows = Quota.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True, skip_locked=True)
    counters = {quota.pk: quota for quota in rows}
    ready = {pk: found[pk] for pk in kept if draws[pk] and counters.keys() >= set(draws[pk])}
    return _Share(ready, draws, counters, now).out() if ready else 0


def _keep(types: Iterable[int]) -> list[int]:
    """Keep these types as they are until the commit, as an order does (checkout): which quotas they draw from decides
    what is claimed. Those that are being changed are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM ticketing_tickettype WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE SKIP LOCKED",
            [sorted(types)],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _draws(types: Iterable[int]) -> dict[int, list[int]]:
    draws: dict[int, list[int]] = {pk: [] for pk in types}
    pairs = QuotaTicketType.objects.filter(ticket_type__in=list(draws)).order_by("quota_id")
    for type_id, quota_id in pairs.values_list("ticket_type_id", "quota_id"):
        draws[type_id].append(quota_id)
    return draws


class _Share:
    """One round of offers, with the counters locked: what is read of them stays true until the commit."""

    def __init__(
        self,
        types: Mapping[int, TicketType],
        draws: Mapping[int, list[int]],
        counters: Mapping[int, Quota],
        now: datetime,
        actor: Any = None,
    ):
        self.types, self.draws, self.now, self.actor = types, draws, now, actor
        # With `held` counted up as places are given out.
        self.counters = counters
        self.claims: Counter[int] = Counter()
        tenant = current_tenant()
        self.to_answer = timedelta(hours=preference(tenant, "waiting_list_hours"))
        self.to_collect = timedelta(hours=preference(tenant, "waiting_list_group_hours"))

    def out(self) -> int:
        offered = 0
        for entry in self._in_line():
            room = self._room(entry.ticket_type_id)
            missing = entry.quantity - entry.held
            if room is None or room >= missing:
                offered += self._offer(entry)
            elif room and self._may_collect(entry):
                self._collect(entry, room)
        for quota, count in in_lock_order(self.claims):
            if not Quota.objects.hold(quota, count):
                raise SoldOut(what=str(self.counters[quota]))
        return offered

    def _room(self, type_id: int) -> int | None:
        return fewest(self.counters[pk] for pk in self.draws[type_id])

    def _in_line(self) -> list[WaitingEntry]:
        """Whom the free places may do for: those who need no more than there are, and who may collect."""
        rooms = {pk: self._room(pk) for pk in self.types}
        fits = Q(pk__in=())
        for pk, room in rooms.items():
            if room is None:
                fits |= Q(ticket_type=pk)
            elif room:
                fits |= Q(ticket_type=pk) & (Q(quantity__lte=room + F("held")) | Q(passed_at__isnull=True))
        return list(WaitingEntry.objects.in_line().filter(fits)[:MOST_AT_ONCE])

    def _end(self, entry: WaitingEntry) -> datetime:
        return end_of_sale(self.types[entry.ticket_type_id])

    def _offer(self, entry: WaitingEntry) -> bool:
        until = min(self.now + self.to_answer, self._end(entry))
        return self._give(entry, Status.OFFERED, entry.quantity - entry.held, until)

    def _may_collect(self, entry: WaitingEntry) -> bool:
        if entry.status == Status.COLLECTING:
            return entry.expires_at is not None and entry.expires_at > self.now
        ends = self.now + self.to_collect
        return bool(self.to_collect) and entry.passed_at is None and ends < self._end(entry)

    def _collect(self, entry: WaitingEntry, places: int) -> None:
        self._give(entry, Status.COLLECTING, places, entry.expires_at or self.now + self.to_collect)

    def _give(self, entry: WaitingEntry, status: str, places: int, until: datetime) -> bool:
        drawn = self.draws[entry.ticket_type_id]
        if entry.held and set(entry.quotas) != set(drawn):
            return False  # the type draws from other quotas now: what was put aside goes back in its time
        mine = WaitingEntry.objects.filter(pk=entry.pk, status=entry.status, held=entry.held)
        held = entry.held + places
        if not mine.update(status=status, held=held, quotas=drawn, expires_at=until):
            return False  # left the list meanwhile
        for pk in drawn:
            self.counters[pk].held += places
            self.claims[pk] += places
        changes = before_and_after({"status": entry.status, "held": entry.held}, {"status": status, "held": held})
        details = {"until": until.isoformat(), **changes}
        record(f"waiting.{status}", entry, actor=self.actor, details=details, deliver=status == Status.OFFERED)
        return True


def end_of_sale(ticket_type: TicketType) -> datetime:
    """The first moment at which a type cannot be ordered any more."""
    event = ticket_type.event
    over: datetime = event.ends_at or event.starts_at
    return min(over, ticket_type.sale_ends_at) if ticket_type.sale_ends_at else over


@retrying
@transaction.atomic
def offer_now(entry: WaitingEntry, *, actor: Any, now: datetime | None = None) -> WaitingEntry:
    """Offer places to one entry out of turn: staff decided. Raises SoldOut, WrongState, and why it is not on sale."""
    now = now or timezone.now()
    ticket_type = TicketType.objects.select_related("event").get(pk=entry.ticket_type_id)
    refuse_off_sale(ticket_type, "ticket_type", now)
    if not _keep([ticket_type.pk]):
        raise Busy
    entry, counters = _lock(entry)
    if entry.status not in IN_LINE:
        raise WrongState(now=entry.get_status_display())
    draws = _draws([ticket_type.pk])
    share = _Share({ticket_type.pk: ticket_type}, draws, counters, now, actor)
    room = share._room(ticket_type.pk)
    if not draws[ticket_type.pk] or (room is not None and room < entry.quantity - entry.held):
        raise SoldOut(what=ticket_type.name)
    if not share._offer(entry):
        raise WrongState(now=entry.get_status_display())
    for quota, count in in_lock_order(share.claims):
        if not Quota.objects.hold(quota, count):
            raise SoldOut(what=ticket_type.name)
    entry.refresh_from_db()
    return entry


# --- Giving back -----------------------------------------------------------------------------------------------------


def _lock(entry: WaitingEntry) -> tuple[WaitingEntry, dict[int, Quota]]:
    """Lock the quotas of the entry and of its type, by id, and then the entry, as it is now (M2). Raises Busy."""
    for _attempt in range(3):
        drawn = QuotaTicketType.objects.filter(ticket_type=entry.ticket_type_id).values_list("quota_id", flat=True)
        wanted = {*WaitingEntry.objects.get(pk=entry.pk).quotas, *drawn}
        rows = Quota.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
        counters = {quota.pk: quota for quota in rows}
        fresh: WaitingEntry = WaitingEntry.objects.select_for_update(no_key=True).get(pk=entry.pk)
        if counters.keys() >= set(fresh.quotas):
            return fresh, counters
    raise Busy


@retrying
@transaction.atomic
def end(
    entry: WaitingEntry, status: str, *, actor: Any = None, now: datetime | None = None, overdue: bool = False
) -> WaitingEntry:
    """End the entry in this state. What was held for it goes back, once, and to the next who wait (M3).

    An entry that has ended stays as it did. With `overdue` nothing is done unless its time is over; a group that
    collected goes on waiting then, without what was put aside for it.
    """
    now = now or timezone.now()
    entry, _counters = _lock(entry)
    if not entry.is_open or (overdue and (entry.expires_at is None or entry.expires_at > now)):
        return entry
    before = {"status": entry.status, "held": entry.held}
    back = dict.fromkeys(entry.quotas, entry.held) if entry.held else {}
    if overdue and entry.status == Status.COLLECTING:
        status, entry.passed_at = Status.WAITING, now
    else:
        entry.ended_at = now
    entry.status, entry.held, entry.quotas, entry.expires_at = status, 0, [], None
    entry.save(update_fields=["status", "held", "quotas", "expires_at", "passed_at", "ended_at"])
    for quota, count in in_lock_order(back):
        if not Quota.objects.release(quota, count):
            # Never to be papered over; check_invariants tells which (M1).
            raise RuntimeError(f"quota {quota} has fewer places held than the {count} of {entry.pk}")
    after = {"status": str(status), "held": 0}
    topic = "waiting.passed_over" if status == Status.WAITING else f"waiting.{status}"
    record(topic, entry, actor=actor, details=before_and_after(before, after), deliver=status == Status.LAPSED)
    places_freed(list(back))
    return entry


def give_back_overdue(quotas: Collection[int], *, limit: int = 100, now: datetime | None = None) -> int:
    """Take back offers of these quotas that nobody answered in time; return how many (M3).

    Each is a transaction of its own. Running it twice, or beside an order, changes nothing more (G2).
    """
    now = now or timezone.now()
    overdue = WaitingEntry.objects.overdue(now).filter(quotas__overlap=list(quotas))
    return sum(not end(entry, Status.LAPSED, now=now, overdue=True).held for entry in overdue.order_by("pk")[:limit])


# --- Ordering --------------------------------------------------------------------------------------------------------


def turn_into(entry: WaitingEntry, order: Order, lines: list[OrderLine]) -> None:
    """Let what is held for the entry become the order's, without being free in between; the last act before the commit,
    as `lifecycle.claim_places`. Places that the offer does not cover (of a price tier) are claimed as usual.

    The caller keeps the ticket type as it is. Raises OfferOver if the offer was answered or its time is over, SoldOut.
    """
    now = timezone.now()
    wanted = fulfilment.places(lines)
    drawn = WaitingEntry.objects.get(pk=entry.pk).quotas
    counters = Quota.objects.filter(pk__in={*wanted, *drawn}).order_by("pk").select_for_update(no_key=True)
    list(counters.values_list("pk"))
    fresh = WaitingEntry.objects.select_for_update(no_key=True).get(pk=entry.pk)
    if fresh.status != Status.OFFERED or fresh.expires_at is None or fresh.expires_at <= now:
        raise errors.OfferOver
    have = Held(places=Counter(dict.fromkeys(fresh.quotas, fresh.held)))
    WaitingEntry.objects.filter(pk=entry.pk).update(
        status=Status.TAKEN, held=0, quotas=[], expires_at=None, ended_at=now, order=order
    )
    details = {"order": order.code, **before_and_after({"status": fresh.status}, {"status": str(Status.TAKEN)})}
    record("waiting.taken", fresh, actor=order.user, details=details, deliver=False)
    exchange(have, Held.for_order_lines(lines), lines, sell=order.status == Order.Status.PAID)
