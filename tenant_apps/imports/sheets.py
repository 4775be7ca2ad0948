"""The first sheet of an XLSX file as lines of text: the file may come from anybody.

XLSX is a zip of XML (ECMA-376). python-calamine reads it; before that the zip is unpacked once, in pieces, to see that
it is what it seems: what a zip says about its sizes is not believed, a document type is refused, and with it every bomb
that XML entities could be, and so are cells so far apart that the table between them would fill the memory, and a text
that is kept once and stands in so many cells that it would.
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
# Characters in all cells of a sheet together, however often one text stands in them.
MOST_TEXT = 100 * 1024 * 1024
CHUNK = 64 * 1024
_REFERENCE = re.compile(r"([A-Za-z]+)([0-9]+)")

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
            lengths = _lengths(archive, budget)
            _read(archive, sheet, budget, _Measure(lengths, refuses_errors=True))
            _unpack(archive, budget, lengths, but=sheet)
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
        cells = [_text(value) for value in values]
        # XML holds no NUL, but a cell may spell one: _x0000_ (ECMA-376, 22.9.2.19).
        if any("\0" in cell for cell in cells):
            raise UnreadableFile(line, "", "nul", _("The file holds a NUL character; it is no text."))
        yield line, cells


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
    # Of parts with one name we would look at one and the reader at the other; it does not tell A from a, nor \\ from /.
    if len({_plain_name(part) for part in parts}) < len(parts):
        raise _no_workbook()
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFile(1, "", "encrypted", _("The file is protected by a password."))
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise _no_workbook()


def _parse(
    archive: zipfile.ZipFile,
    name: str,
    budget: _Budget,
    start: Callable[[str, Attributes], None],
    text: Callable[[str], None] | None = None,
    end: Callable[[str], None] | None = None,
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
    if text and end:
        parser.CharacterDataHandler = text
        parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
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


def _plain_name(part: zipfile.ZipInfo) -> str:
    return part.filename.replace("\\", "/").lower()


def _lengths(archive: zipfile.ZipFile, budget: _Budget) -> list[int]:
    """Return how long the texts are that cells name by number."""
    lengths: list[int] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "si":
            lengths.append(0)

    def text(piece: str) -> None:
        if lengths:
            lengths[-1] += len(piece)

    for part in archive.infolist():
        if _plain_name(part) == "xl/sharedstrings.xml":
            for _piece in _parse(archive, part.filename, budget, start, text, lambda tag: None):
                pass
    return lengths


class _Measure:
    """Refuses a sheet that would unfold to far more than it has: one cell at A1 and one at XFD1048576 are a bomb, and
    so is a long text that 100,000 cells name."""

    def __init__(self, lengths: list[int], *, refuses_errors: bool):
        self.lengths = lengths
        self.refuses_errors = refuses_errors
        self.row = self.column = self.deepest = self.widest = self.characters = 0
        self.is_shared = False
        self.number: str | None = None

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "row":
            number = attributes.get("r", "")
            self.row, self.column = int(number) if number.isdigit() and len(number) < 9 else self.row + 1, -1
        elif tag == "c":
            self._cell(attributes)
        elif tag == "v" and self.is_shared:
            self.number = ""

    def text(self, piece: str) -> None:
        if self.number is not None:
            self.number += piece[:20]

    def end(self, tag: str) -> None:
        if tag == "v" and self.number is not None:
            place = int(self.number) if self.number.isdigit() and len(self.number) < 20 else -1
            self.characters += self.lengths[place] if 0 <= place < len(self.lengths) else 0
            self.number = None
            if self.characters > MOST_TEXT:
                raise _bomb()

    def _cell(self, attributes: Attributes) -> None:
        column, row = _place(attributes.get("r", ""), self.column + 1, self.row)
        self.column, self.row = column, max(self.row, row)
        self.is_shared = attributes.get("t") == "s"
        if self.refuses_errors and attributes.get("t") == "e":
            message = _("A formula of this row ended in an error.")
            raise UnreadableFile(self.row, "", "formula_error", message)
        self.widest, self.deepest = max(self.widest, column + 1), max(self.deepest, self.row)
        if self.widest > MOST_COLUMNS:
            raise UnreadableFile(self.row, "", "too_many_cells", _("This row has too many cells."))
        if self.deepest > MOST_LINES or self.deepest * self.widest > MOST_CELLS:
            raise UnreadableFile(self.row, "", "too_many_rows", _("The sheet has too many cells."))


def _read(archive: zipfile.ZipFile, name: str, budget: _Budget, measure: _Measure) -> None:
    for _piece in _parse(archive, name, budget, measure.start, measure.text, measure.end):
        pass


def _unpack(archive: zipfile.ZipFile, budget: _Budget, lengths: list[int], *, but: str) -> None:
    """Unpack everything else once: what a zip says about its sizes is not believed. XML with a document type is not
    read. Whatever could be a sheet is measured, whichever of them the reader takes for the first."""
    for part in archive.infolist():
        if part.filename == but or _plain_name(part) == "xl/sharedstrings.xml":
            continue
        if part.filename.lower().endswith((".xml", ".rels")):
            _read(archive, part.filename, budget, _Measure(lengths, refuses_errors=False))
            continue
        with archive.open(part) as source:
            while piece := source.read(CHUNK):
                budget.spend(len(piece))


def _place(reference: str, following: int, row: int) -> tuple[int, int]:
    """Return column (from 0) and row of "AB12": the reader believes it, whatever row it stands in. Cells without a
    reference follow each other."""
    if not reference:
        return following, row
    found = _REFERENCE.fullmatch(reference)
    if found is None or len(reference) > 12:
        raise _no_workbook()
    number = 0
    for letter in found[1].upper():
        number = number * 26 + ord(letter) - 64
    return number - 1, int(found[2])


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
