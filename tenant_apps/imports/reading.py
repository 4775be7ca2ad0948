"""From the bytes of a file to rows of cells that know their line (B4), streamed."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any, NamedTuple

import charset_normalizer
from django.utils.translation import gettext as _

from shared_apps.core.resources import ColumnError
from tenant_apps.imports import sheets
from tenant_apps.imports.errors import UnreadableFile

# In which characters part columns; what is never one of them by accident comes first.
DELIMITERS = (",", ";", "\t", "|", "^", "~", ":")
# What offices save that say nowhere in which encoding they do.
ENCODINGS = ["cp1251", "cp1252", "koi8_r", "cp866", "mac_cyrillic"]
CHUNK = 256 * 1024
SAMPLE_ROWS = 30
_MARKS = "«»“”„‘’–—…№°§€©®™ \u00a0.:!?*[]{}<>"
MOST_COLUMNS = 512


class Row(NamedTuple):
    """One record of the file. `line` is the one on which it begins, as an editor counts, from 1."""

    line: int
    cells: list[str]
    problem: ColumnError | None = None


class Table:
    """A header and the rows below it. `read` tells which part of the file was read, from 0 to 1."""

    def __init__(self, lines: Iterator[tuple[int, list[str]]], delimiter: str = "", read: Callable[[], float] = float):
        self.read = read
        self._delimiter = delimiter
        self._lines = lines
        for line, cells in lines:
            if any(cell.strip() for cell in cells):
                self.line = line
                self.header = [" ".join(cell.strip("\ufeff").split()) for cell in cells]
                break
        else:
            raise UnreadableFile(1, "", "empty_file", _("The file is empty."))
        while self.header and not self.header[-1]:
            self.header.pop()
        if len(self.header) > MOST_COLUMNS:
            raise UnreadableFile(self.line, "", "too_many_cells", _("This row has too many cells."))

    def rows(self, *, most: int) -> Iterator[Row]:
        """Yield the rows that are not blank. Raises UnreadableFile where the file cannot be read any further."""
        width = len(self.header)
        number = 0
        for line, cells in self._lines:
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            number += 1
            if number > most:
                raise UnreadableFile(line, "", "too_many_rows", _("A file has at most %d rows.") % most)
            problem = None
            if len(cells) > width:
                if any(cell.strip() for cell in cells[width:]):
                    problem = ColumnError("", "too_many_cells", _("This row has more cells than the header."))
            elif len(cells) < width:
                if len(cells) == 1 and any(
                    cells[0].count(other) >= width - 1 for other in DELIMITERS if other != self._delimiter
                ):
                    message = _("This row is parted by another character than the header.")
                    problem = ColumnError("", "mixed_delimiters", message)
                cells = cells + [""] * (width - len(cells))
            yield Row(line, cells, problem)


def open_table(file: IO[bytes], knows: Callable[[str], bool] = lambda name: False) -> Table:
    """Open a CSV file or an XLSX file's first sheet. `knows` tells which column names we know, to find the delimiter.

    Raises UnreadableFile for what is wrong with the file as a whole.
    """
    file.seek(0)
    if sheets.is_workbook(file.read(4)):
        return Table(sheets.lines(file))
    encoding = encoding_of(file)
    size = file.seek(0, io.SEEK_END) or 1
    delimiter = delimiter_of(_head(file, encoding), knows)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    return Table(_csv_lines(text, delimiter), delimiter, lambda: file.tell() / size)


def encoding_of(file: IO[bytes]) -> str:
    """Return the encoding in which the whole file can be read. Raises UnreadableFile with the line if there is none."""
    file.seek(0)
    head = file.read(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _whole(file, "utf-16")
    try:
        return _whole(file, "utf-8-sig")
    except UnreadableFile as refusal:
        if refusal.code != "encoding":
            raise
        broken = refusal
    file.seek(0)
    content = file.read(20 * CHUNK)
    told = content.decode("utf-8", "replace")
    wrong = told.count("\ufffd")
    if sum(character > "\x7f" for character in told) - wrong > 2 * wrong:
        raise broken  # UTF-8 with a few spoilt bytes; another encoding would read all of it, and all of it wrongly
    best = charset_normalizer.from_bytes(content[:CHUNK], cp_isolation=ENCODINGS).best()
    # A few letters tell nothing; then it is what most offices have.
    strange = sum(character > "\x7f" for character in content.decode("latin-1"))
    likely = best.encoding if best and strange > 500 else ""
    natural, _place, encoding = max(
        (_natural(content, each), (each == likely, -place), each)
        for place, each in enumerate(ENCODINGS if strange > 4 else ENCODINGS[:2])
    )
    if natural < 0.6:
        raise broken
    return _whole(file, encoding, broken)


def _natural(content: bytes, encoding: str) -> float:
    """Return which part of the words with letters beyond ASCII looks like words, in steps of a twentieth.

    charset-normalizer needs sentences to tell encodings apart; a table of short names has none.
    """
    try:
        words = [word for word in content.decode(encoding).replace("\x00", " ").split() if not word.isascii()][:2000]
    except UnicodeDecodeError:
        return 0.0
    parts = [part for word in words for part in re.split(r"[,;|\t\"()]", word[:200]) if not part.isascii()]
    return round(20 * sum(map(_is_word, parts)) / max(len(parts), 1)) / 20


def _is_word(part: str) -> bool:
    """One script, capitals only in front or throughout, foreign letters the lesser part, signs only around it."""
    for word in re.split(r"[-'’./\d]", part.strip(_MARKS)):
        if word.isascii():
            continue
        if not word.isalpha() or not (word[1:].islower() or word.isupper() or len(word) == 1):
            return False
        cyrillic = sum("\u0400" <= letter <= "\u052f" for letter in word)
        foreign = sum(letter > "\x7f" for letter in word)
        if cyrillic != len(word) and (cyrillic or foreign > len(word) / 2 or len(word) == 1):
            return False
    return True


def has_more_rows(content: bytes, most: int) -> bool:
    """Tell whether a CSV file has more rows than this; what cannot be read is told by the check."""
    try:
        for _row in open_table(io.BytesIO(content)).rows(most=most):
            pass
    except UnreadableFile as refusal:
        return refusal.code == "too_many_rows"
    return False


def decode(content: bytes) -> str:
    """Return the text of a small file, without its byte order mark. Raises UnreadableFile."""
    return content.decode(encoding_of(io.BytesIO(content)))


def delimiter_of(head: str, knows: Callable[[str], bool]) -> str:
    """Return the character that parts the header into the most columns that we know, else into the most at all."""

    def fit(delimiter: str) -> tuple[int, bool, int]:
        try:
            first = [row for row in islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), 12) if row]
        except csv.Error:
            return 0, False, 0
        if not first:
            return 0, False, 0
        width = len(first[0])
        return sum(map(knows, first[0])), width > 1 and all(len(row) == width for row in first[:-1]), width

    return max(DELIMITERS, key=fit)


def line_of(text: str, at: int) -> int:
    return len(re.findall(r"\r\n|\n|\r", text[:at])) + 1


def _head(file: IO[bytes], encoding: str) -> str:
    file.seek(0)
    return file.read(64 * 1024).decode(encoding, "ignore").lstrip("\r\n")


def _whole(file: IO[bytes], encoding: str, otherwise: UnreadableFile | None = None) -> str:
    """Return the encoding if the whole file is text in it, with no NUL."""
    file.seek(0)
    text = io.TextIOWrapper(io.BufferedReader(_Kept(file)), encoding=encoding, newline="")
    line = 1
    try:
        while piece := text.read(CHUNK):
            if (at := piece.find("\0")) >= 0:
                message = _("The file holds a NUL character; it is no text.")
                raise UnreadableFile(line + line_of(piece, at) - 1, "", "nul", message)
            line += piece.count("\n") or piece.count("\r")
    except UnicodeError:
        file.seek(0)
        raise otherwise or UnreadableFile(
            _broken_line(file, encoding), "", "encoding", _("This is no text in a known encoding. Save it as UTF-8.")
        ) from None
    return encoding


def _broken_line(file: IO[bytes], encoding: str) -> int:
    try:
        file.read().decode(encoding)
    except UnicodeDecodeError as error:
        return error.object[: error.start].count(b"\n") + 1
    return 1


class _Kept(io.RawIOBase):
    """A file that stays open when the text layer above it goes."""

    def __init__(self, file: IO[bytes]):
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _csv_lines(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                message = _("A cell has at most %d characters.") % csv.field_size_limit()
                raise UnreadableFile(before + 1, "", "too_long", message) from None
            raise UnreadableFile(before + 1, "", "malformed", _("This is no CSV: %s.") % error) from None
        line, before = before + 1, reader.line_num
        yield line, cells
