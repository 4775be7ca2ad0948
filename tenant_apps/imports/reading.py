"""From the bytes of a file to rows of cells that know their line (B4)."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from tenant_apps.imports import sheets
from tenant_apps.imports.errors import UnreadableFile

DELIMITERS = (",", ";", "\t", "|")


class Row(NamedTuple):
    """One record of the file. `line` is the one on which it begins, as an editor counts, from 1.

    Cells are text, but for a format that knows numbers and yes and no itself (YAML).
    """

    line: int
    cells: dict[str, Any]


class Columns(NamedTuple):
    """What a resource calls its columns, and what others call them; `prefixes` open names of the file's own."""

    known: Sequence[str]
    required: Sequence[str] = ()
    aliases: Mapping[str, str] = {}
    prefixes: Sequence[str] = ()

    def ours(self, cell: str) -> str:
        """Return our name for a column of the file; a name that nobody knows comes back as it is."""
        text = cell.strip().strip("\ufeff")
        for prefix in self.prefixes:
            if text.lower().startswith(prefix):
                return prefix + " ".join(text[len(prefix) :].split())
        name = _name(text)
        return self.aliases.get(name, name)

    def knows(self, name: str) -> bool:
        return name in self.known or any(name.startswith(each) and name != each for each in self.prefixes)


def decode(content: bytes) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark, or in Windows-1251.

    Excel saves Russian sheets in Windows-1251 and says so nowhere; what is valid UTF-8 is never that by chance.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(1, "", "encoding", _("Save the file as CSV in UTF-8; this is UTF-16."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        try:
            text = content.decode("cp1251")
        except UnicodeDecodeError:
            raise UnreadableFile(line, "", "encoding", _("Save the file as CSV in UTF-8.")) from None
    if (at := text.find("\0")) >= 0:
        raise UnreadableFile(_line_of(text, at), "", "nul", _("The file holds a NUL character; it is no text."))
    return text


def delimiter_of(text: str, columns: Columns) -> str:
    """Return the character that parts the header into the most columns that we know."""
    header = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""

    def fit(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return sum(columns.knows(columns.ours(cell)) for cell in cells), len(cells)

    return max(DELIMITERS, key=fit)


def rows(content: bytes, columns: Columns, *, most: int) -> Iterator[Row]:
    """Yield the rows of a CSV file or of an XLSX file's first sheet, with the cells of the columns that we know.

    Columns that nobody knows are left alone. Raises UnreadableFile for what is wrong with the file as a whole.
    """
    header: list[str] | None = None
    number = 0
    for line, cells in sheets.lines(content) if sheets.is_workbook(content) else _csv_lines(content, columns):
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(cells, line, columns)
            continue
        number += 1
        if number > most:
            raise UnreadableFile(line, "", "too_many_rows", _("A file has at most %d rows.") % most)
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            raise UnreadableFile(line, "", "too_many_cells", _("This row has more cells than the header."))
        cells = cells + [""] * (len(header) - len(cells))
        yield Row(line, {name: cell for name, cell in zip(header, cells, strict=False) if columns.knows(name)})
    if header is None:
        raise UnreadableFile(1, "", "empty_file", _("The file is empty."))


def _csv_lines(content: bytes, columns: Columns) -> Iterator[tuple[int, list[str]]]:
    text = decode(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text, columns), strict=True)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(before + 1, "", "malformed", _("This is no CSV: %s.") % error) from None
        line, before = before + 1, reader.line_num
        yield line, cells


def _header(cells: list[str], line: int, columns: Columns) -> list[str]:
    names = [columns.ours(cell) for cell in cells]
    for name in names:
        if columns.knows(name) and names.count(name) > 1:
            raise UnreadableFile(line, name, "duplicate_column", _("The column %s comes twice.") % name)
    for name in columns.required:
        if name not in names:
            raise UnreadableFile(line, name, "missing_column", _("The column %s is missing.") % name)
    return names


def _name(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().strip("\ufeff").lower())


def _line_of(text: str, at: int) -> int:
    return len(re.findall(r"\r\n|\n|\r", text[:at])) + 1
