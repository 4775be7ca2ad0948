"""Which column of a file is which of ours, and how its cells are to be read.

    {"title": "name", "starts_at": {"column": "start", "timezone": "Europe/London"}, "currency": {"constant": "GBP"}}

What nobody said is guessed from the columns' names, in English and Russian, and from what stands in them.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from shared_apps.core.clock import from_local, validate_zone
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.resources import CellError, Moment, RowResource, Words, unguarded
from tenant_apps.imports.errors import UnreadableFile

OPTIONS = frozenset({"column", "constant", "split", "format", "timezone"})
LONGEST = 300
# What people write for strptime's letters.
_WORDS = (
    ("YYYY", "%Y"), ("yyyy", "%Y"), ("ГГГГ", "%Y"), ("YY", "%y"), ("yy", "%y"), ("DD", "%d"), ("dd", "%d"),
    ("ДД", "%d"), ("HH", "%H"), ("hh", "%I"), ("чч", "%H"), ("ЧЧ", "%H"), ("MM", "%m"), ("ММ", "%m"), ("mm", "%M"),
    ("мм", "%M"), ("ss", "%S"), ("сс", "%S"), ("AM", "%p"), ("am", "%p"), ("A", "%p"),
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where the values of one of our columns come from: a column of the file, or the same text for all rows."""

    column: str | None = None
    constant: str | None = None
    split: str = ""
    format: str = ""
    timezone: str = ""

    def as_json(self) -> Any:
        """Return it as `mapping` shows it: a name, or a mapping with what is set."""
        options = {name: getattr(self, name) for name in ("split", "format", "timezone") if getattr(self, name)}
        if self.constant is not None:
            return {"constant": self.constant, **options}
        return {"column": self.column, **options} if options else self.column


Sources = dict[str, Source]


def parse(given: Any, resource: type[RowResource]) -> Sources:
    """Return what a caller's mapping says. Raises InvalidInput naming all that is wrong."""
    if not isinstance(given, Mapping):
        raise InvalidInput(errors=[FieldError("mapping", "invalid", _("Give our columns with those of the file."))])
    sources: Sources = {}
    errors: list[FieldError] = []
    for name, value in given.items():
        if value is None or value == "":
            continue
        try:
            if name not in resource.fields and not any(name.startswith(each) for each in resource.prefixes):
                raise CellError("unknown_field", _("There is no such column of ours."))
            sources[name] = _source(name, value, resource)
        except CellError as error:
            errors.append(FieldError(f"mapping.{name}"[:100], error.code, str(error)))
    if errors:
        raise InvalidInput(errors=errors)
    return sources


def guess(header: Sequence[str], samples: Sequence[Sequence[str]], resource: type[RowResource]) -> Sources:
    """Return a likely mapping. Each of our columns once; what is unlikely is left out."""
    sources: Sources = {}
    for name, place in _by_name(header, resource).items():
        sources[name] = Source(column=header[place])
    _by_content(sources, header, samples, resource)
    return sources


def complete(sources: Sources, resource: type[RowResource]) -> Sources:
    """Return the mapping with what the resource assumes where nothing is said."""
    assumed = {
        name: Source(constant=str(value))
        for name, (others, value) in resource.assumed.items()
        if name not in sources and any(other in sources for other in others)
    }
    return {**sources, **assumed}


def duplicated(header: Sequence[str], resource: type[RowResource]) -> str | None:
    """Return our name for a column that the file has twice, None if there is none."""
    ours = [name_of(cell, resource) for cell in header]
    return next((name for name in ours if name in resource.fields and ours.count(name) > 1), None)


def name_of(cell: str, resource: type[RowResource]) -> str:
    """Return our name for a column of the file; one that nobody knows comes back in our spelling."""
    text = cell.strip().strip("\ufeff")
    for prefix in resource.prefixes:
        if text.lower().startswith(prefix):
            return prefix + " ".join(text[len(prefix) :].split())
    name = re.sub(r"[\s\-./]+", "_", text.lower()).strip("_")
    return name if name in resource.fields else resource.aliases.get(name, name)


def signature(header: Sequence[str]) -> str:
    """Return what files of one maker have in common: their columns' names, in any order."""
    names = sorted(" ".join(name.lower().split()) for name in header if name)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:40]


def place_of(column: str, header: Sequence[str]) -> int | None:
    """Return where the file has this column; its exact name counts before another spelling."""
    if column in header:
        return header.index(column)
    names = [" ".join(name.lower().split()) for name in header]
    wanted = " ".join(column.lower().split())
    return names.index(wanted) if wanted in names else None


def reader(
    sources: Sources, header: Sequence[str], resource: RowResource, line: int = 1
) -> Callable[[Sequence[str]], dict[str, Any]]:
    """Return what turns a row's cells into ours. Raises UnreadableFile for a column that the file has not."""
    plain: list[tuple[str, int]] = []
    made: list[tuple[str, int, Callable[[str], Any]]] = []
    fixed: dict[str, Any] = {}
    for name, source in sources.items():
        convert = _converter(source)
        if source.constant is not None:
            fixed[name] = convert(source.constant) if convert else source.constant
            continue
        place = place_of(source.column or "", header)
        if place is None:
            message = _("The file has no column %s.") % (source.column or "")[:80]
            raise UnreadableFile(line, name, "unknown_column", message)
        if convert is None:
            plain.append((name, place))
        else:
            made.append((name, place, convert))

    def read(cells: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {name: cells[place] for name, place in plain}
        for name, place, convert in made:
            found[name] = convert(cells[place])
        if fixed:
            found.update(fixed)
        return found

    return read


def _source(name: str, value: Any, resource: type[RowResource]) -> Source:
    if isinstance(value, str):
        value = {"column": value}
    if not isinstance(value, Mapping) or not set(value) <= OPTIONS or ("column" in value) == ("constant" in value):
        raise CellError("invalid", _("Give the name of a column, or a mapping with column or constant."))
    texts = {key: str(each) if isinstance(each, str | int | float) else None for key, each in value.items()}
    if any(text is None or len(text) > LONGEST for text in texts.values()):
        raise CellError("invalid", _("Give the name of a column, or a mapping with column or constant."))
    field = resource.fields.get(name)
    widget = field.widget if field else None
    if texts.get("split") and not isinstance(widget, Words):
        raise CellError("invalid", _("Only a column with several values can be split."))
    if (texts.get("format") or texts.get("timezone")) and not isinstance(widget, Moment):
        raise CellError("invalid", _("Only a time has a format and a time zone."))
    if not _is_format(texts.get("format") or ""):
        raise CellError("invalid", _("This is no way of writing a time, such as DD.MM.YYYY HH:MM."))
    if texts.get("timezone"):
        try:
            validate_zone(str(texts["timezone"]))
        except ValidationError:
            raise CellError("timezone", _("This is no IANA time zone, such as Europe/Berlin.")) from None
    return Source(**texts)  # type: ignore[arg-type]  # none of the values is None any more


def _converter(source: Source) -> Callable[[str], Any] | None:
    if source.split:
        return lambda cell: unguarded(cell).split(source.split)
    if source.format or source.timezone:
        pattern = _pattern(source.format)
        return lambda cell: _moment(cell, pattern, source.timezone)
    return None


def _pattern(text: str) -> str:
    """Return what strptime takes for what people write."""
    if text and "%" not in text:
        for word, code in _WORDS:
            text = text.replace(word, code)
    return text


def _is_format(text: str) -> bool:
    """Tell whether strptime takes it at all: a part that comes twice ends in a fault of its regular expression."""
    try:
        datetime.strptime("", _pattern(text))  # noqa: DTZ007  (nothing is kept of it)
    except re.error:
        return False
    except ValueError as error:
        return "does not match" in str(error) or "unconverted" in str(error)
    return True


def _moment(cell: str, pattern: str, zone: str) -> Any:
    """Return the time, or the cell where it is none: then the column's own check says so."""
    text = cell.strip()
    if not text:
        return ""
    try:
        # What the clock shows; the zone follows below.
        value = datetime.strptime(text, pattern) if pattern else Moment().clean(text)  # noqa: DTZ007  (a trial of the format, no moment is kept)
    except ValueError:
        return f"{text} "[:60] if pattern == "" else "?"
    if value is not None and value.tzinfo is None and zone:
        try:
            return from_local(value, zone)
        except ValueError:
            return value  # the event's own check says why
    return value


def _by_name(header: Sequence[str], resource: type[RowResource]) -> dict[str, int]:
    found: dict[str, int] = {}
    exact: set[str] = set()
    for place, cell in enumerate(header):
        if not cell:
            continue
        name = name_of(cell, resource)
        known = name in resource.fields or any(name.startswith(each) and name != each for each in resource.prefixes)
        if not known:
            continue
        is_exact = re.sub(r"[\s\-]+", "_", cell.strip().lower()) == name
        if name not in found or (is_exact and name not in exact):
            found[name] = place
        if is_exact:
            exact.add(name)
    return found


def _by_content(
    sources: Sources, header: Sequence[str], samples: Sequence[Sequence[str]], resource: type[RowResource]
) -> None:
    """Fill in times and coordinates that no name told, and drop an id that several unlike rows share."""
    taken = {source.column for source in sources.values()}
    free = [place for place, name in enumerate(header) if name and name not in taken]

    def column(place: int) -> list[str]:
        return [row[place].strip() for row in samples if place < len(row) and row[place].strip()]

    for name, field in resource.fields.items():
        if name in sources or not isinstance(field.widget, Moment):
            continue
        for place in free:
            cells = column(place)
            if cells and all(_is_time(cell) for cell in cells):
                sources[name] = Source(column=header[place])
                free.remove(place)
                break
    if "external_id" in sources and resource.known_by_content:
        place = header.index(sources["external_id"].column or "")
        ours = name_of(header[place], resource) == "external_id" and "external_id" in header[place].lower()
        cells = column(place)
        if not ours and len(set(cells)) < len(cells):
            del sources["external_id"]
    if "venue_address" in sources and "venue_name" not in sources and "title" in sources:
        sources["venue_name"] = sources["title"]


def _is_time(cell: str) -> bool:
    try:
        return len(cell) >= 8 and Moment().clean(cell) is not None
    except CellError:
        return False
