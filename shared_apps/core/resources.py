"""Columns of the files that people bring and take: django-import-export's fields, with errors that have codes.

django-import-export declares columns and turns cells into values and back; rows are read and counted by
`imports`, which knows on which line of the file an editor shows them.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget

from shared_apps.core.clock import EARLIEST, LATEST, validate_zone
from shared_apps.core.money import CURRENCIES
from shared_apps.core.staging import Staging

# A cell that begins so is taken for a formula by spreadsheets; exports put an apostrophe before it (B5).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
_DEGREE = Decimal("0.000001")
# "01.05.2026", "1.5.2026 19:30": with points the day always comes first.
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ ,T]+(\d{1,2}:\d{2}(?::\d{2})?))?")


def guarded(text: str) -> str:
    """Return the text as a cell that no spreadsheet takes for a formula (B5); `unguarded` gives it back exactly."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return the text of a cell without the apostrophe that `guarded` put before it."""
    return text[1:] if text[:1] == "'" and text.lstrip("'").startswith(_FORMULA) else text


class Outcome(StrEnum):
    """What a row did to the data."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class CellError(ValueError):
    """A cell that cannot be what its column says."""

    def __init__(self, code: str, message: Any):
        super().__init__(str(message))
        self.code = code


class ColumnError(NamedTuple):
    """What is wrong with one row: which column (empty for the whole row), a stable code, a sentence."""

    column: str
    code: str
    message: str


class RowResource(Resource):
    """One kind of file. Subclasses declare Fields and say how a row is put into the data by the app's services.

    An instance serves one run over one file, inside one transaction, so it may remember what it has met.
    """

    # Columns that a file must have and a row must fill in.
    required: tuple[str, ...] = ()
    # What the pages call this kind of file.
    label: Any = ""
    # What files of other makers call our columns, in English and Russian; small letters, words parted by "_".
    aliases: Mapping[str, str] = {}
    # What a column takes where the file says nothing about it but something about the other: {"ticket_type": ("price",
    # _("Admission"))}.
    assumed: Mapping[str, tuple[tuple[str, ...], Any]] = {}
    # Whether a row may be known by its content where the file has no id of its own for it.
    known_by_content = False
    # Beginnings of columns whose names are the file's own, such as "param.".
    prefixes: tuple[str, ...] = ()
    # The right that whoever imports needs beside `import`.
    permission = ""
    # Whether the file may be a price list in YAML.
    price_lists = False

    def __init__(self, actor: Any = None):
        super().__init__()
        self.actor = actor
        # What the row that was applied last changed: {"key", "name", "fields": [{"field", "before", "after"}]}.
        self.diff: dict[str, Any] | None = None

    def look_over(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """See all rows before the first is applied, for what only the whole file tells."""

    def column_of(self, path: str) -> str:
        """Return the file's column for a service's field path, where they are called differently."""
        return path

    def clean(self, cells: Mapping[str, Any]) -> tuple[dict[str, Any], list[ColumnError]]:
        """Return the values of the columns that the file has, and what is wrong with them."""
        values: dict[str, Any] = {}
        errors: list[ColumnError] = []
        for name, field in self.fields.items():
            if name not in cells:
                continue
            if not str(cells[name]).strip() and name in self.required:
                errors.append(ColumnError(name, "required", _("Fill this in.")))
                continue
            try:
                values[name] = field.widget.clean(cells[name], row=cells)
            except CellError as error:
                errors.append(ColumnError(name, error.code, str(error)))
        return values, errors

    def apply(self, values: dict[str, Any]) -> Outcome:
        """Put one row's values into the data. Raises DomainError for what the services refuse."""
        raise NotImplementedError


class BulkRow(NamedTuple):
    """One row on its way into the staging table: its line, what it is known by, and its cleaned values."""

    line: int
    key: str
    values: dict[str, Any]


class BulkResource(RowResource):
    """A kind of file whose rows are checked and applied all at once, by statements over a staging table.

    The engine calls `begin`, then `take` for each batch, then `settle`, which refuses rows and gives the others their
    outcome; and, where the file is applied and nothing was refused, `put`. What the services of the app refuse, these
    statements refuse with the same codes.
    """

    # Columns of the staging table with their SQL types, beside `key`.
    stage: Mapping[str, str] = {}

    def begin(self, columns: Collection[str], on_duplicate: str) -> Staging:
        """Make the staging table. `columns` are those of ours that the file has."""
        self.columns = frozenset(columns)
        self.on_duplicate = on_duplicate
        self.staging = Staging({"key": 'text COLLATE "C"', **self.stage})
        self.staging.open()
        return self.staging

    def take(self, rows: Sequence[BulkRow]) -> None:
        """Turn values into the staging table's columns; refuse those that cannot be."""
        raise NotImplementedError

    def settle(self) -> None:
        """Find out what each staged row would do, and refuse what must not be done. Writes temporary tables only."""
        raise NotImplementedError

    def put(self) -> None:
        """Do it. Called once nothing is refused, in the transaction of `settle`."""
        raise NotImplementedError

    def changes(self, most: int) -> tuple[int, list[dict[str, Any]]]:
        """Return how many rows are new or changed, and the first of them field by field."""
        raise NotImplementedError


class Exported(NamedTuple):
    """What a file of the tenant's data consists of: names of columns, and rows of texts, numbers and lists."""

    columns: Sequence[str]
    rows: Iterator[Sequence[Any]]


def column(widget: Widget, name: str | None = None) -> Field:
    """Declare a column; its name in the file is the attribute's unless given."""
    return Field(column_name=name, widget=widget)


class Text(Widget):
    """One line of text, or several with `lines`, as they are; an apostrophe that guards a formula is taken off (B5)."""

    def __init__(self, longest: int, *, lines: bool = False):
        super().__init__()
        self.longest = longest
        self.lines = lines

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = str(value or "")
        if text[:1] == "'":
            text = unguarded(text)
        if not self.lines:
            text = " ".join(text.split())
        if len(text) > self.longest:
            raise CellError("too_long", _("At most %d characters.") % self.longest)
        return text


class Words(Text):
    """Several short texts in one cell, parted by a bar or a comma."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:  # type: ignore[override]  # a widget's type is what its field holds
        if not value:
            return []
        if isinstance(value, str):
            text = unguarded(value)
            value = text.split("|" if "|" in text else ",")
        parts = [" ".join(part.split()) for part in value]
        for part in parts:
            if len(part) > self.longest:
                raise CellError("too_long", _("At most %d characters.") % self.longest)
        return list(dict.fromkeys(part for part in parts if part))


class Choice(Widget):
    """One of a few words; empty means none was given."""

    def __init__(self, *allowed: str):
        super().__init__()
        self.allowed = allowed

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        word = str(value or "").strip().lower()
        if word and word not in self.allowed:
            raise CellError("invalid_choice", _("Use one of: %s.") % ", ".join(self.allowed))
        return word


class Moment(Widget):
    """A time, with an offset or as the event's clock shows it; which zone that is, the row decides later (B3)."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> datetime | None:
        if isinstance(value, datetime):
            return value
        text = str(value or "").strip()
        if not text:
            return None
        try:
            moment = parse_datetime(text) or _day_first(text)
        except ValueError:
            moment = None
        if moment is None:
            raise CellError("invalid_time", _("Write the time as 2026-05-31T19:30, or with an offset such as +02:00."))
        if not EARLIEST <= moment.year < LATEST:
            raise CellError("out_of_range", _("The year must lie between 2000 and 2099."))
        return moment


def _day_first(text: str) -> datetime | None:
    found = _DAY_FIRST.fullmatch(text)
    if found is None:
        return None
    day, month, year, clock = found.groups()
    return parse_datetime(f"{year}-{int(month):02}-{int(day):02}T{(clock or '00:00').rjust(5, '0')}")


class Number(Widget):
    """A decimal number as people type it: a comma or a point, blanks between thousands."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Decimal | None:
        text = "".join(str(value or "").split()).replace("\u00a0", "")
        if not text:
            return None
        if text.count(",") == 1 and "." not in text:
            text = text.replace(",", ".")
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) > 10**12:
            raise CellError("invalid_number", _("This is no number."))
        return number


def degrees(value: Decimal | None, name: str, most: int, errors: list[ColumnError]) -> Decimal | None:
    """Return degrees as they are kept, with six decimals; notes an error if they are more than `most`."""
    if value is None:
        return None
    if abs(value) > most:
        errors.append(ColumnError(name, "out_of_range", _("A number of degrees, at most %d.") % most))
        return None
    return value.quantize(_DEGREE)


class Whole(Number):
    """A whole number of at least 0."""

    def __init__(self, most: int):
        super().__init__()
        self.most = most

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:  # type: ignore[override]  # a widget's type is what its field holds
        number = super().clean(value, row=row, **kwargs)
        if number is None:
            return None
        if number != number.to_integral_value() or not 0 <= number <= self.most:
            raise CellError("out_of_range", _("A whole number from 0 to %d.") % self.most)
        return int(number)


class Zone(Widget):
    """An IANA time zone."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        zone = str(value or "").strip()
        if zone:
            try:
                validate_zone(zone)
            except ValidationError:
                raise CellError("timezone", _("This is no IANA time zone, such as Europe/Berlin.")) from None
        return zone


class Currency(Widget):
    """An ISO 4217 code."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        code = str(value or "").strip().upper()
        if code and code not in CURRENCIES:
            raise CellError("currency", _("This is no ISO 4217 currency code."))
        return code
