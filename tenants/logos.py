"""A tenant's logo: kept as a file that no later one replaces, since papers that were issued show it."""

import re
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from shared_apps.core.images import re_encoded
from tenants.context import current_tenant

LONGEST = 800
_FILE = re.compile(r"[0-9a-f]{32}\.webp")


def keep_logo(upload: Any, *, field: str = "image") -> str:
    """Keep an uploaded picture in the present tenant's folder and return its name. Raises ImageRefused, ImageTooLarge
    (B6)."""
    picture = re_encoded(upload, longest=LONGEST, field=field)
    default_storage.save(_path(picture.name), ContentFile(picture.content))
    return picture.name


def logo_content(file: str) -> bytes | None:
    """Return the bytes of one of the present tenant's logos; None for a name that stands for nothing."""
    if not _FILE.fullmatch(file):
        return None
    try:
        with default_storage.open(_path(file)) as opened:
            content: bytes = opened.read()
            return content
    except OSError:
        return None


def _path(name: str) -> str:
    return f"{current_tenant().schema_name}/logos/{name}"
