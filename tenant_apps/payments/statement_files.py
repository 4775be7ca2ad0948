"""From the bytes of a bank's CSV file to its movements: banks agree on nothing, so columns are guessed and confirmed.

Read are what German, Russian, Kazakh, British and American banks save: MT940 as CSV, semicolons, decimal commas,
windows-1251, lines before the header, one column for the amount or one for each direction.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import CURRENCIES, MAX_MINOR, exponent

MOST_BYTES = 5 * 1024 * 1024
MOST_LINES = 20_000
MOST_COLUMNS = 100
MOST_ERRORS = 1000
# Banks write who asked, for which account and from when to when before the header.
PREAMBLE_LINES = 40
DELIMITERS = ";,\t|"
SINGLE = ("day", "amount", "credit", "debit", "currency", "payer")
FIELDS = (*SINGLE, "purpose")
DATES = ("%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d")
EXAMPLE = date(2026, 5, 31)
# What banks call their columns, in small letters; a name that begins like one of these is taken for it.
NAMES: dict[str, tuple[str, ...]] = {
    "day": (
        "buchungstag", "buchung", "booking date", "transaction date", "completed date", "date completed",
        "posting date", "дата операции", "дата проводки", "дата", "күні", "date", "datum", "valutadatum", "value date",
    ),
    "amount": (
        "betrag", "umsatz", "amount", "сумма операции", "сумма платежа", "сумма в валюте счета", "сумма",
        "transaction amount", "сомасы",
    ),
    "credit": ("haben", "gutschrift", "credit", "paid in", "money in", "кредит", "приход", "поступление", "зачислен"),
    "debit": ("soll", "lastschrift", "debit", "paid out", "money out", "дебет", "расход", "списан"),
    "currency": ("währung", "waehrung", "currency", "валюта"),
    "payer": (
        "beguenstigter", "begünstigter", "auftraggeber", "zahlungspflichtiger", "name zahlungsbeteiligter", "payer",
        "payee", "counterparty", "sender", "плательщик", "контрагент", "отправитель", "корреспондент",
        "наименование плательщика",
    ),
    "purpose": (
        "verwendungszweck", "buchungstext", "kundenreferenz", "purpose", "reference", "description", "details", "memo",
        "narrative", "назначение", "основание", "описание", "комментарий",
    ),
}  # fmt: skip


@dataclass
class Sheet:
    """The file as rows of cells. `rows` are (line as an editor counts, cells) below the header."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


@dataclass(frozen=True)
class Movement:
    """One line that was understood. Money in is positive."""

    number: int
    day: date
    amount_minor: int
    currency: str
    payer: str
    purpose: str


@dataclass
class Read:
    """What the file says, and what could not be understood."""

    movements: list[Movement] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)
    errors_count: int = 0


def text_of(content: bytes) -> str:
    """Return the file as text. Raises InvalidInput for what is empty, too large or no text."""
    if not content.strip():
        raise _unreadable("empty_file", _("The file is empty."))
    if len(content) > MOST_BYTES:
        raise _unreadable("file_too_large", _("A statement has at most %d MB.") % (MOST_BYTES // 1024 // 1024))
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", _old_encoding(content)):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise _unreadable("unreadable_file", _("This is no CSV file."))


def _old_encoding(content: bytes) -> str:
    """windows-1251 or windows-1252: a letter between Latin ones is hardly Cyrillic."""
    text = content.decode("cp1251", "replace")
    strange = re.findall(r"(.?)([\u0400-\u04ff])(?=(.?))", text)
    among_latin = sum(
        bool(re.match("[A-Za-z]", before) or re.match("[A-Za-z]", after)) for before, _c, after in strange
    )
    return "cp1252" if among_latin * 2 > len(strange) else "cp1251"


def sheet_of(text: str) -> Sheet:
    """Find the header and the rows below it. Raises InvalidInput."""
    best: tuple[tuple[int, int], list[tuple[int, list[str]]]] | None = None
    for delimiter in DELIMITERS:
        head = list(_rows(text, delimiter, PREAMBLE_LINES))
        for place, (_line, cells) in enumerate(head):
            score = (len(set(guess_names(cells)) - {"decimal", "dates"}), sum(bool(cell.strip()) for cell in cells))
            if score[1] > 1 and (best is None or score > best[0]):
                best = score, [(place, [delimiter])]
    if best is None:
        raise _unreadable("unreadable_file", _("This file has no columns."))
    ((place, (delimiter,)),) = best[1]
    rows = list(_rows(text, delimiter, MOST_LINES + PREAMBLE_LINES + 1))
    header = [" ".join(cell.split()) for cell in rows[place][1]][:MOST_COLUMNS]
    below = [(line, cells) for line, cells in rows[place + 1 :] if any(cell.strip() for cell in cells)]
    if len(below) > MOST_LINES:
        raise _unreadable("too_many_rows", _("A statement has at most %d lines.") % MOST_LINES)
    return Sheet(header, below)


def _rows(text: str, delimiter: str, most: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    for _number in range(most):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _unreadable("unreadable_file", _("Line %d cannot be read.") % line) from None
        yield line, cells
        line = reader.line_num + 1


def guess_names(header: Sequence[str]) -> dict[str, Any]:
    """Which column is which, by their names: {our name: the column}; several for the purpose."""
    found: dict[str, Any] = {}
    small = [" ".join(cell.lower().split()) for cell in header]
    for ours in FIELDS:
        for name in NAMES[ours]:
            places = [place for place, cell in enumerate(small) if cell.startswith(name)]
            if places and ours == "purpose":
                found.setdefault(ours, []).extend(header[place] for place in places)
            elif places:
                found.setdefault(ours, header[places[0]])
    if "amount" in found and not (found["amount"] or "").strip():
        del found["amount"]
    if "amount" in found:
        # One signed amount says more than a column for each direction.
        found.pop("credit", None)
        found.pop("debit", None)
    return found


def guess(sheet: Sheet, currency: str) -> dict[str, Any]:
    """Return a whole mapping as far as it can be guessed: names, `decimal` ("," or "."), `dates` (a format)."""
    mapping = {name: value for name, value in guess_names(sheet.header).items() if value}
    mapping.setdefault("currency", f"={currency}")
    amounts = [cell for name in ("amount", "credit", "debit") for cell in _column(sheet, mapping.get(name))]
    mapping["decimal"] = _decimal_mark(amounts)
    days = [cell for cell in _column(sheet, mapping.get("day")) if any(sign.isdigit() for sign in cell)]
    fits = [(sum(_day(cell, each) is not None for cell in days), -place) for place, each in enumerate(DATES)]
    mapping["dates"] = DATES[-max(fits)[1]]
    return mapping


def is_whole(mapping: Mapping[str, Any]) -> bool:
    """True if everything is named that booking needs."""
    return bool(mapping.get("day") and mapping.get("purpose") and (mapping.get("amount") or mapping.get("credit")))


def checked(mapping: Mapping[str, Any], header: Sequence[str]) -> dict[str, Any]:
    """Return what somebody said about the columns. Raises InvalidInput naming each fault."""
    errors: list[FieldError] = []

    def refuse(name: str, code: str, message: Any) -> None:
        errors.append(FieldError(f"mapping.{name}", code, message))

    kept: dict[str, Any] = {}
    for name, value in mapping.items():
        if name == "purpose":
            columns = [value] if isinstance(value, str) else value
            if not isinstance(columns, list) or not all(isinstance(each, str) and each in header for each in columns):
                refuse(name, "unknown_column", _("The file has no such column."))
            else:
                kept[name] = columns
        elif name == "currency" and isinstance(value, str) and value.startswith("="):
            if value[1:] not in CURRENCIES:
                refuse(name, "currency_unknown", _("This is no currency."))
            kept[name] = value
        elif name in SINGLE:
            if value in ("", None):
                continue
            if not isinstance(value, str) or value not in header:
                refuse(name, "unknown_column", _("The file has no such column."))
            kept[name] = value
        elif (name == "decimal" and value in (".", ",")) or (name == "dates" and value in DATES):
            kept[name] = value
        else:
            refuse(name[:40], "invalid", _("This cannot be said about a statement."))
    for name in ("day", "purpose", "currency"):
        if not kept.get(name) and not errors:
            refuse(name, "required", _("Say which column this is."))
    if not (kept.get("amount") or kept.get("credit")) and not errors:
        refuse("amount", "required", _("Say which column this is."))
    if errors:
        raise InvalidInput(errors=errors[:100])
    return kept


def read(sheet: Sheet, mapping: Mapping[str, Any]) -> Read:
    """Understand each line. Lines without a day, such as a balance below, are none."""
    found = Read()
    for number, cells in sheet.rows:
        told = {name: _cell(sheet, cells, mapping.get(name)) for name in SINGLE}
        if not told["day"]:
            continue
        currency = str(mapping["currency"])
        currency = (currency[1:] if currency.startswith("=") else told["currency"]).upper()
        day = _day(told["day"], str(mapping["dates"]))
        faults = []
        if day is None:
            faults.append(FieldError("day", "invalid_date", _("This is no date.")))
        if currency not in CURRENCIES:
            faults.append(FieldError("currency", "currency_unknown", _("This is no currency.")))
        amount = None if currency not in CURRENCIES else _amount(told, mapping, currency)
        if currency in CURRENCIES and amount is None:
            faults.append(FieldError("amount", "invalid_amount", _("This is no amount of money.")))
        if day is None or amount is None:
            found.errors_count += len(faults)
            room = MOST_ERRORS - len(found.errors)
            found.errors += [FieldError(f"{number}.{one.field}", one.code, one.message) for one in faults][:room]
            continue
        purpose = " ".join(filter(None, (_cell(sheet, cells, name) for name in mapping["purpose"])))
        found.movements.append(Movement(number, day, amount, currency, told["payer"][:200], purpose[:500]))
    return found


def _column(sheet: Sheet, name: str | None) -> list[str]:
    return [cell for _line, cells in sheet.rows[:500] if (cell := _cell(sheet, cells, name))]


def _cell(sheet: Sheet, cells: Sequence[str], name: str | None) -> str:
    if not name or name not in sheet.header:
        return ""
    place = sheet.header.index(name)
    text = cells[place] if place < len(cells) else ""
    return " ".join(text.replace("\u00a0", " ").lstrip("'").split())


def _day(text: str, pattern: str) -> date | None:
    # Some banks write the time behind it.
    first = re.split(r"[ T]", text, maxsplit=1)[0]
    if pattern.endswith("%y") and not re.search(r"\D\d\d$", first):
        return None
    try:
        # A bank's day: no time, and so no zone.
        found = datetime.strptime(first, pattern).replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _decimal_mark(cells: Sequence[str]) -> str:
    """The mark before the cents: the last one of a number; three digits behind it, and it parts thousands."""
    votes = {",": 0, ".": 0}
    for cell in cells:
        marks = re.findall(r"[.,](?=\d)", cell)
        if not marks:
            continue
        behind = re.search(r"[.,](\d+)\D*$", cell)
        both = len(set(marks)) == 2
        if marks.count(marks[-1]) > 1:
            votes["," if marks[-1] == "." else "."] += 1
        elif both or (behind and len(behind[1]) != 3):
            votes[marks[-1]] += 3
        elif behind and len(behind[1]) == 3:
            votes["," if marks[-1] == "." else "."] += 1
    return "," if votes[","] > votes["."] else "."


def _amount(told: Mapping[str, str], mapping: Mapping[str, Any], currency: str) -> int | None:
    """The movement in minor units; None if this is no amount of that currency."""
    mark = str(mapping["decimal"])
    if mapping.get("amount"):
        return _minor(told["amount"], mark, currency)
    into, out = (_minor(told[name] or "0", mark, currency) for name in ("credit", "debit"))
    return None if into is None or out is None else abs(into) - abs(out)


def _minor(text: str, mark: str, currency: str) -> int | None:
    negative = bool(re.search(r"^\(.*\)$|^\D*[-\u2212]|[-\u2212]\s*\D*$", text)) or bool(re.search(r"\bS$", text))
    digits = re.sub(r"[^\d.,]", "", text).replace("." if mark == "," else ",", "").replace(mark, ".")
    try:
        scaled = Decimal(digits) * 10 ** exponent(currency)
    except InvalidOperation:
        return None
    if not digits or len(digits) > 20 or scaled != scaled.to_integral_value() or scaled > MAX_MINOR:
        return None
    return -int(scaled) if negative else int(scaled)


def _unreadable(code: str, message: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError("file", code, message)])
