"""A bank's statement beside the orders: what pays which order is shown first, and booked when staff say so.

A line pays an order if it names the order's code and is of its amount and currency. Each is booked in a transaction of
its own, known by a fingerprint, so the same file, or one that overlaps it, books nothing twice (M8).
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.codes import READABLE
from shared_apps.core.database_errors import broke, retrying
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.orders import lifecycle
from tenant_apps.orders.models import Order
from tenant_apps.payments import providers, statement_files
from tenant_apps.payments.errors import StatementBooked
from tenant_apps.payments.models import Payment, Statement, StatementLine
from tenant_apps.payments.services import BY_HAND, begin_by_hand, owed_of, settle
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

PROVIDER = "bank_transfer"
# What `readable_code` makes, and what a file of orders from elsewhere is given (payments.resources).
CODE_LENGTHS = (8, 12)
SIGNS = frozenset(READABLE)
# In one line. Of a purpose as people and banks write it a few dozen come.
MOST_CODES = 150
LONGEST_RUN = 60
# So many lines are matched at once, and so many codes looked up.
LINES_AT_ONCE, CODES_AT_ONCE = 2000, 10_000
# Letters that look alike, as people type them on a Russian keyboard.
LATIN = str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX")
RESUME_AFTER = timedelta(minutes=2)

MATCHED, TOO_MUCH, TOO_LITTLE, UNKNOWN, BOOKED = "matched", "too_much", "too_little", "unknown", "booked"
PAID_ALREADY, ENDED, CURRENCY, OUTGOING, SEVERAL = "paid_already", "ended", "other_currency", "outgoing", "several"
PLACES_GONE = "places_gone"
BOOKABLE = (MATCHED, TOO_MUCH)
WORDS: dict[str, Any] = {
    MATCHED: gettext_lazy("Pays the order"),
    TOO_MUCH: gettext_lazy("Too much"),
    TOO_LITTLE: gettext_lazy("Too little"),
    UNKNOWN: gettext_lazy("No order named"),
    BOOKED: gettext_lazy("Booked"),
    PAID_ALREADY: gettext_lazy("Order is paid already"),
    ENDED: gettext_lazy("Order was cancelled"),
    CURRENCY: gettext_lazy("Other currency"),
    OUTGOING: gettext_lazy("Money out"),
    SEVERAL: gettext_lazy("Names several orders"),
    PLACES_GONE: gettext_lazy("Its places are gone"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one line comes to. `owed_minor` is what the order still needs, in its own currency's minor units."""

    line: StatementLine
    state: str
    order: Order | None = None
    owed_minor: int = 0

    @property
    def label(self) -> Any:
        return WORDS[self.state]


# --- The file ---------------------------------------------------------------------------------------------------------


def upload(file_name: str, content: bytes, *, actor: Any, mapping: Any = None) -> tuple[Statement, bool]:
    """Keep a file and read its lines if its columns can be told; returns it, and whether it is new.

    The same bytes again are the same statement, whoever sends them. Raises InvalidInput.
    """
    digest = hashlib.sha256(content).hexdigest()
    if (found := Statement.objects.filter(digest=digest).first()) is not None:
        return found, False
    text = statement_files.text_of(content)
    sheet = statement_files.sheet_of(text)
    said = statement_files.checked(mapping, sheet.header) if mapping else {}
    guessed = statement_files.guess(sheet, current_tenant().currency)
    try:
        with transaction.atomic():
            statement = Statement.objects.create(
                file_name=_name(file_name), digest=digest, content=text, mapping=guessed | said,
                uploaded_by=actor.pk if actor is not None and actor.is_authenticated else None,
            )  # fmt: skip
            if statement_files.is_whole(statement.mapping):
                # A guess that does not fit all lines is a question, not a fault.
                _read(statement, sheet, strict=bool(said))
            details = {"file": statement.file_name, **made(file=statement.file_name, status=statement.status)}
            record("statement.uploaded", statement, actor=actor, details=details, deliver=False)
    except IntegrityError as error:
        if not broke(error, "payments_statement_digest"):
            raise
        return Statement.objects.get(digest=digest), False
    return statement, True


def _name(file_name: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in file_name).split())[:200] or _("Statement")


def say_columns(statement: Statement, mapping: Any, *, actor: Any) -> Statement:
    """Read the file anew, with these columns. Raises InvalidInput, StatementBooked."""
    if not isinstance(mapping, dict):
        raise InvalidInput(errors=[FieldError("mapping", "invalid", _("Columns by our names."))])
    with transaction.atomic():
        statement = Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
        if statement.status not in (Statement.Status.COLUMNS, Statement.Status.READY) or not statement.content:
            raise StatementBooked
        sheet = statement_files.sheet_of(statement.content)
        before = {"mapping": statement.mapping, "status": statement.status}
        statement.mapping = statement_files.checked({**_shape(statement.mapping), **mapping}, sheet.header)
        _read(statement, sheet, strict=True)
        after = {"mapping": statement.mapping, "status": statement.status}
        details = {"file": statement.file_name, **before_and_after(before, after)}
        record("statement.read", statement, actor=actor, details=details, deliver=False)
    return statement


def _shape(mapping: dict[str, Any]) -> dict[str, Any]:
    return {name: mapping[name] for name in ("decimal", "dates") if name in mapping}


def columns_of(statement: Statement) -> tuple[list[str], list[list[str]]]:
    """The file's columns and its first rows, for whoever says which is which."""
    if not statement.content:
        return [], []
    sheet = statement_files.sheet_of(statement.content)
    return sheet.header, [cells for _line, cells in sheet.rows[:5]]


def _read(statement: Statement, sheet: statement_files.Sheet, *, strict: bool) -> None:
    found = statement_files.read(sheet, statement.mapping)
    if found.errors and strict:
        raise InvalidInput(errors=found.errors)
    statement.status = Statement.Status.READY if found.movements and not found.errors else Statement.Status.COLUMNS
    statement.lines.all().delete()
    statement.save()
    if statement.status != Statement.Status.READY:
        return
    seen: Counter[tuple[Any, ...]] = Counter()
    lines = []
    for each in found.movements:
        content = (each.day.isoformat(), each.amount_minor, each.currency, _plain(each.payer), _plain(each.purpose))
        seen[content] += 1
        # Two alike on one day are two; the second of one file is the second of another that overlaps it.
        told = "\x1f".join(map(str, (*content, seen[content])))
        lines.append(
            StatementLine(
                statement=statement, number=each.number, day=each.day, amount_minor=each.amount_minor,
                currency=each.currency, payer=each.payer, purpose=each.purpose,
                fingerprint=hashlib.sha256(told.encode()).hexdigest(),
            )
        )  # fmt: skip
    StatementLine.objects.bulk_create(lines, batch_size=1000)


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


# --- Matching ---------------------------------------------------------------------------------------------------------


def codes_in(text: str) -> set[str]:
    """Whatever in a purpose may be an order's code: alone, glued to other words, or broken by the bank's own lines.

    No more than `MOST_CODES`, what stands alone first: a file of nothing but such letters must not take a server's
    memory.
    """
    found: set[str] = set()
    for run in _runs(re.findall(r"[A-Z0-9]+", text.upper().translate(LATIN))):
        for length in CODE_LENGTHS:
            for at in range(len(run) - length + 1):
                code = run[at : at + length]
                if SIGNS.issuperset(code):
                    found.add(code)
                if len(found) == MOST_CODES:
                    return found
    return found


def _runs(words: Sequence[str]) -> Iterator[str]:
    """The words, then two and three that follow one another as one."""
    for length in (1, 2, 3):
        for at in range(len(words) - length + 1):
            run = "".join(words[at : at + length])
            if len(run) <= LONGEST_RUN:
                yield run


def verdicts(statement: Statement, lines: Sequence[StatementLine] | None = None) -> list[Verdict]:
    """What each line comes to, by what is known now; the same few statements for a file of any length."""
    lines = list(statement.lines.select_related("payment__order").order_by("number")) if lines is None else lines
    named: dict[Any, list[Order]] = {}
    for at in range(0, len(lines), LINES_AT_ONCE):
        named |= _orders_named(lines[at : at + LINES_AT_ONCE])
    owed = owed_of({order.pk: order for orders in named.values() for order in orders}.values())
    open_prints = [line.fingerprint for line in lines if line.status == StatementLine.Status.OPEN]
    elsewhere = set(
        StatementLine.objects.filter(fingerprint__in=open_prints, status=StatementLine.Status.BOOKED)
        .values_list("fingerprint", flat=True)
    )  # fmt: skip
    taken: set[Any] = set()
    found = []
    for line in lines:
        verdict = _verdict(line, named[line.pk], owed, elsewhere, taken)
        if verdict.state in BOOKABLE and verdict.order is not None:
            # A second line for it in this file comes when the first has paid it.
            taken.add(verdict.order.pk)
        found.append(verdict)
    return found


def _orders_named(lines: Sequence[StatementLine]) -> dict[Any, list[Order]]:
    """The orders that each line names, by the line's id."""
    codes = {line.pk: codes_in(f"{line.purpose} {line.payer}") if line.amount_minor > 0 else set() for line in lines}
    wanted = sorted({code for found in codes.values() for code in found})
    orders: dict[str, Order] = {}
    for at in range(0, len(wanted), CODES_AT_ONCE):
        orders |= {order.code: order for order in Order.objects.filter(code__in=wanted[at : at + CODES_AT_ONCE])}
    return {pk: [orders[code] for code in sorted(found & orders.keys())] for pk, found in codes.items()}


def _verdict(
    line: StatementLine,
    named: list[Order],
    owed_by: Mapping[Any, int],
    elsewhere: Collection[str] = (),
    taken: Collection[Any] = (),
) -> Verdict:
    if line.status == StatementLine.Status.BOOKED or line.fingerprint in elsewhere:
        booked_for = line.payment.order if line.payment else next(iter(named), None)
        return Verdict(line, BOOKED, booked_for)
    if line.amount_minor <= 0:
        return Verdict(line, OUTGOING)
    if len(named) != 1:
        return Verdict(line, SEVERAL if named else UNKNOWN)
    (order,) = named
    if order.status == Order.Status.CANCELLED:
        return Verdict(line, ENDED, order)
    if order.status == Order.Status.PAID or order.pk in taken:
        return Verdict(line, PAID_ALREADY, order)
    owed = owed_by[order.pk]
    if line.currency != order.currency:
        return Verdict(line, CURRENCY, order, owed)
    if line.amount_minor < owed:
        return Verdict(line, TOO_LITTLE, order, owed)
    return Verdict(line, MATCHED if line.amount_minor == owed else TOO_MUCH, order, owed)


def counts_of(found: Iterable[Verdict]) -> dict[str, int]:
    """How many lines there are of each state that occurs."""
    return dict(Counter(each.state for each in found))


# --- Booking ----------------------------------------------------------------------------------------------------------


def ask_to_book(statement: Statement, *, actor: Any) -> Statement:
    """Say that what was shown is to be booked; a worker does it. Repeating it changes nothing (O1)."""
    with transaction.atomic():
        statement = Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
        if statement.status == Statement.Status.BOOKING:
            return statement
        if statement.status == Statement.Status.BOOKED and not counts_of(verdicts(statement)).keys() & set(BOOKABLE):
            return statement
        if statement.status == Statement.Status.COLUMNS:
            raise InvalidInput(errors=[FieldError("mapping", "required", _("Say first which column is which."))])
        moved = before_and_after({"status": statement.status}, {"status": Statement.Status.BOOKING})
        statement.status = Statement.Status.BOOKING
        statement.booked_by = actor.pk if actor is not None and actor.is_authenticated else None
        statement.save(update_fields=["status", "booked_by", "modified_at"])
        record("statement.accepted", statement, actor=actor, details={"file": statement.file_name, **moved})
    return statement


def book(statement: Statement) -> int:
    """Book each line that pays an order; return how many. Killed in between, the next call goes on (G4)."""
    booked = 0
    for verdict in verdicts(statement):
        if verdict.state not in BOOKABLE:
            continue
        try:
            booked += book_line(verdict.line)
        except Exception:
            # One that cannot be booked stays open and is shown; the others are booked.
            logger.exception("line %s of statement %s is not booked", verdict.line.number, statement.pk)
    ended = Statement.objects.filter(pk=statement.pk, status=Statement.Status.BOOKING)
    # The lines are there; the file with everybody else's movements has done its work.
    ended.update(status=Statement.Status.BOOKED, content="", modified_at=timezone.now())
    return booked


@retrying
def book_line(line: StatementLine) -> bool:
    """Pay the order that a line names, if it still does; all or nothing. Returns whether it did."""
    try:
        with transaction.atomic():
            (verdict,) = verdicts(line.statement, [line])
            if verdict.state not in BOOKABLE or verdict.order is None:
                return False
            order = lifecycle.lock(verdict.order)
            if _verdict(line, [order], owed_of([order])).state not in BOOKABLE:
                return False
            own = order.payments.filter(provider__in=BY_HAND, status=Payment.Status.PENDING)
            payment = own.order_by("-created_at").first() or begin_by_hand(order, providers.by_name(PROVIDER))
            _claim(line, payment)
            payment = settle(
                payment,
                Payment.Status.SUCCEEDED,
                reference=f"statement:{line.fingerprint}",
                amount_minor=line.amount_minor,
                currency=line.currency,
            )
            if payment.order.status != Order.Status.PAID:
                raise _PlacesGone
    except _PlacesGone:
        return False
    except IntegrityError as error:
        if broke(error, "statementline_booked_once"):
            return False
        raise
    return True


class _PlacesGone(Exception):
    """The order ended and others have its places: the money is not taken; staff send it back."""


def _claim(line: StatementLine, payment: Payment) -> None:
    claimed = StatementLine.objects.filter(pk=line.pk, status=StatementLine.Status.OPEN)
    if not claimed.update(status=StatementLine.Status.BOOKED, payment=payment):
        raise IntegrityError('duplicate key value violates unique constraint "statementline_booked_once"')


def unfinished() -> list[Statement]:
    """Those whose worker died."""
    since = timezone.now() - RESUME_AFTER
    return list(Statement.objects.filter(Q(status=Statement.Status.BOOKING), modified_at__lt=since))
