"""A tenant's logo: kept as a file that no later one replaces, since papers that were issued show it."""

import re

from django.core.files.storage import default_storage

FOLDER = "logos"
_FILE = re.compile(r"[0-9a-f]{32}\.webp")


def logo_content(file: str) -> bytes | None:
    """Return the bytes of a logo; None for a name that stands for nothing."""
    if not _FILE.fullmatch(file):
        return None
    try:
        with default_storage.open(f"{FOLDER}/{file}") as opened:
            content: bytes = opened.read()
            return content
    except OSError:
        return None
