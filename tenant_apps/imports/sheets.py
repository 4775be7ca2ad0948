"""The first sheet of an XLSX file as lines of text: the file may come from anybody.

XLSX is a zip of XML (ECMA-376). python-calamine reads it; before that the zip is unpacked once, in pieces, to see that
it is what it seems: what a zip says about its sizes is not believed, a document type is refused, and with it every bomb
that XML entities could be, and so are cells so far apart that the table between them would fill the memory.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat

import python_calamine
from django.utils.translation import gettext as _

from tenant_apps.imports.errors import UnreadableFile

MOST_UNPACKED = 100 * 1024 * 1024
MOST_PARTS = 2_000
MOST_RATIO = 200
MOST_COLUMNS = 512
MOST_LINES = 200_000
MOST_CELLS = 6_000_000
CHUNK = 64 * 1024

Attributes = dict[str, str]


def is_workbook(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


def lines(file: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of the first sheet with its number. Raises UnreadableFile."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive)
            budget = _Budget()
            sheet = _first_sheet(archive, budget)
            _measure(archive, sheet, budget)
            _unpack(archive, budget, but=sheet)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, EOFError, RuntimeError) as error:
        raise _no_workbook() from error
    except expat.ExpatError as error:
        raise _no_workbook() from error
    file.seek(0)
    try:
        found = python_calamine.CalamineWorkbook.from_filelike(file).get_sheet_by_index(0)
    except (python_calamine.CalamineError, ValueError, IndexError) as error:
        raise _no_workbook() from error
    for line, values in enumerate(found.iter_rows(), start=1):
        yield line, [_text(value) for value in values]


class _Budget:
    """How much may still be unpacked of this file, whatever the zip says."""

    def __init__(self) -> None:
        self.left = MOST_UNPACKED

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _bomb()


def _check(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED:
        raise _bomb()
    if unpacked > 1024 * 1024 and unpacked > MOST_RATIO * max(packed, 1):
        raise _bomb()
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFile(1, "", "encrypted", _("The file is protected by a password."))
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise _no_workbook()


def _parse(
    archive: zipfile.ZipFile,
    name: str,
    budget: _Budget,
    start: Callable[[str, Attributes], None],
) -> Iterator[None]:
    """Feed a part to the handlers piece by piece; yields after each piece."""
    parser: Any = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True

    def refuse(*_arguments: Any) -> None:
        raise UnreadableFile(1, "", "doctype", _("The file declares a document type; spreadsheets do not."))

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    # "x:row" where a maker gave the namespace a prefix.
    parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition(":")[2], attributes)
    with archive.open(name) as part:
        while piece := part.read(CHUNK):
            budget.spend(len(piece))
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield


def _first_sheet(archive: zipfile.ZipFile, budget: _Budget) -> str:
    sheets: list[str] = []
    targets: dict[str, str] = {}

    def sheet(tag: str, attributes: Attributes) -> None:
        if tag == "sheet":
            sheets.append(next((value for key, value in attributes.items() if key.endswith(":id")), ""))

    def relation(tag: str, attributes: Attributes) -> None:
        if tag == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    list(_parse(archive, "xl/workbook.xml", budget, sheet))
    list(_parse(archive, "xl/_rels/workbook.xml.rels", budget, relation))
    if not sheets or sheets[0] not in targets:
        raise _no_workbook()
    target = targets[sheets[0]]
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _measure(archive: zipfile.ZipFile, name: str, budget: _Budget) -> None:
    """Refuse a sheet that would unfold to far more cells than it has: one at A1 and one at XFD1048576 are a bomb."""
    row = column = widest = 0

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal row, column, widest
        if tag == "row":
            number = attributes.get("r", "")
            row, column = int(number) if number.isdigit() and len(number) < 9 else row + 1, -1
        elif tag == "c":
            column = _column(attributes.get("r", ""), column + 1)
            if attributes.get("t") == "e":
                message = _("A formula of this row ended in an error.")
                raise UnreadableFile(row, "", "formula_error", message)
            widest = max(widest, column + 1)
            if widest > MOST_COLUMNS:
                raise UnreadableFile(row, "", "too_many_cells", _("This row has too many cells."))
            if row > MOST_LINES or row * widest > MOST_CELLS:
                raise UnreadableFile(row, "", "too_many_rows", _("The sheet has too many cells."))

    for _piece in _parse(archive, name, budget, start):
        pass


def _unpack(archive: zipfile.ZipFile, budget: _Budget, *, but: str) -> None:
    """Unpack everything else once: what a zip says about its sizes is not believed. XML with a document type is not
    read."""
    for part in archive.infolist():
        if part.filename == but:
            continue
        if part.filename.endswith((".xml", ".rels")):
            for _piece in _parse(archive, part.filename, budget, lambda tag, attributes: None):
                pass
            continue
        with archive.open(part) as source:
            while piece := source.read(CHUNK):
                budget.spend(len(piece))


def _column(reference: str, following: int) -> int:
    """Return the number of the column in "AB12", from 0; cells without a reference follow each other."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return following
    number = 0
    for letter in letters[0]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _text(value: Any) -> str:
    """Return a cell as people type it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Sheets keep binary fractions: 19.989999999999998 is what the person typed as 19.99.
        return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds" if value.second else "minutes")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _bomb() -> UnreadableFile:
    return UnreadableFile(1, "", "zip_bomb", _("The file unpacks to far more than a table would."))


def _no_workbook() -> UnreadableFile:
    return UnreadableFile(1, "", "malformed", _("This is no readable XLSX file."))
