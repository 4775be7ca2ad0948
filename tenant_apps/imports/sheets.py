"""The first sheet of an XLSX file as lines of text, read with limits: the file may come from anybody.

XLSX is a zip of XML (ECMA-376). Only what a table needs is read: shared strings and the first sheet, streamed. What a
zip says about its sizes is not believed: unpacking stops at the limit. A document type is refused, and with it every
bomb that XML entities could be.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from tenant_apps.imports.errors import UnreadableFile

MOST_UNPACKED = 100 * 1024 * 1024
MOST_PARTS = 2_000
MOST_RATIO = 200
MOST_STRINGS = 500_000
MOST_COLUMNS = 512
LONGEST_CELL = 32_767
CHUNK = 64 * 1024

Attributes = dict[str, str]


def is_workbook(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


def lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of the first sheet with its number. Raises UnreadableFile."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check(archive)
            budget = _Budget()
            sheet = _first_sheet(archive, budget)
            strings = _shared_strings(archive, budget)
            yield from _sheet(archive, sheet, strings, budget)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, EOFError, RuntimeError) as error:
        raise _no_workbook() from error
    except expat.ExpatError as error:
        raise _no_workbook() from error


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
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
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
    parser.EndElementHandler = (lambda tag: end(tag.rpartition(":")[2])) if end else None
    parser.CharacterDataHandler = text
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


def _shared_strings(archive: zipfile.ZipFile, budget: _Budget) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    strings: list[str] = []
    pieces: list[str] = []
    inside: list[str] = []

    def start(tag: str, attributes: Attributes) -> None:
        inside.append(tag)
        if tag == "si":
            pieces.clear()

    def end(tag: str) -> None:
        inside.pop()
        if tag == "si":
            if len(strings) >= MOST_STRINGS:
                raise _bomb()
            strings.append("".join(pieces)[: LONGEST_CELL + 1])

    def text(data: str) -> None:
        # Not the reading aids of Japanese text (rPh), which stand beside it.
        if inside and inside[-1] == "t" and "rPh" not in inside:
            pieces.append(data)

    list(_parse(archive, "xl/sharedStrings.xml", budget, start, end, text))
    return strings


def _sheet(archive: zipfile.ZipFile, name: str, strings: list[str], budget: _Budget) -> Iterator[tuple[int, list[str]]]:
    done: list[tuple[int, list[str]]] = []
    state: dict[str, Any] = {"line": 0, "cells": [], "column": -1, "type": "n", "text": [], "in": ""}

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "row":
            number = attributes.get("r", "")
            state["line"] = int(number) if number.isdigit() and len(number) < 9 else state["line"] + 1
            state["cells"], state["column"] = [], -1
        elif tag == "c":
            state["column"] = _column(attributes.get("r", ""), state["column"] + 1)
            state["type"], state["text"] = attributes.get("t", "n"), []
        elif tag in ("v", "t"):
            state["in"] = tag

    def text(data: str) -> None:
        if state["in"]:
            state["text"].append(data)

    def end(tag: str) -> None:
        if tag in ("v", "t"):
            state["in"] = ""
        elif tag == "c":
            cells, column = state["cells"], state["column"]
            if column >= MOST_COLUMNS:
                raise UnreadableFile(state["line"], "", "too_many_cells", _("This row has too many cells."))
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = _value("".join(state["text"]), state["type"], strings, state["line"])
        elif tag == "row":
            done.append((state["line"], state["cells"]))

    for _piece in _parse(archive, name, budget, start, end, text):
        yield from done
        done.clear()


def _column(reference: str, following: int) -> int:
    """Return the number of the column in "AB12", from 0; cells without a reference follow each other."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return following
    number = 0
    for letter in letters[0]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(text: str, kind: str, strings: list[str], line: int) -> str:
    if kind == "s":
        if not (text.isdigit() and len(text) < 9 and int(text) < len(strings)):
            raise _no_workbook()
        return strings[int(text)]
    if kind == "b":
        return "true" if text.strip() == "1" else "false"
    if kind == "e":
        raise UnreadableFile(line, "", "formula_error", _("A cell of this row holds the error %s.") % text[:20])
    if kind == "n" and text:
        try:
            # Sheets keep binary fractions: 19.989999999999998 is what the person typed as 19.99.
            number = float(text)
        except ValueError:
            raise _no_workbook() from None
        return f"{number:.15g}" if abs(number) < 1e15 else text[:40]
    return text[: LONGEST_CELL + 1]


def _bomb() -> UnreadableFile:
    return UnreadableFile(1, "", "zip_bomb", _("The file unpacks to far more than a table would."))


def _no_workbook() -> UnreadableFile:
    return UnreadableFile(1, "", "malformed", _("This is no readable XLSX file."))
