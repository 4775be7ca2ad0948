"""The file that a person takes along: a zip with a folder per tenant, each table as JSON and as CSV."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

# What a spreadsheet would take for a formula gets an apostrophe in front (B5).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")

README = """\
This archive holds what is stored about you.

account/     your account with the platform: profile, sign-ins, wishes, requests
<organizer>/ what one organizer's site holds: your orders and tickets, when they were scanned, what was recorded

Every table comes twice: .json for programs, .csv for spreadsheets (UTF-8). Money is in minor units (cents) beside its
currency; times are UTC. Names and addresses of other people, such as whom you bought tickets for, are left out.
"""


def packed(tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> bytes:
    """Return one part's tables as bytes for its step; empty if there is nothing in any of them."""
    filled = {title: rows for title, each in tables.items() if (rows := list(each))}
    return json.dumps(filled, cls=DjangoJSONEncoder, ensure_ascii=False).encode() if filled else b""


def zipped(parts: Iterable[tuple[str, bytes]], files: Mapping[str, bytes]) -> bytes:
    """Return the archive of (folder, packed part) pairs and further files by path."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for folder, part in parts:
            for title, rows in (json.loads(part) if part else {}).items():
                text = json.dumps(rows, ensure_ascii=False, indent=1)
                archive.writestr(f"{folder}/{title}.json", text)
                archive.writestr(f"{folder}/{title}.csv", as_csv(rows))
        for path, content in files.items():
            archive.writestr(path, content)
    return sink.getvalue()


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Return the rows as CSV with a byte order mark, so that spreadsheets read it as UTF-8."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return "\ufeff" + sink.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
