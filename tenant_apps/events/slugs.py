"""Addresses made from titles: small Latin letters, digits and hyphens, readable and unique."""

import re
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.text import slugify

# Russian by the rules of passports and airline tickets (ICAO Doc 9303), which people recognise; a few neighbours.
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iu",
    "я": "ia", "і": "i", "ї": "i", "є": "ie", "ґ": "g", "ў": "u", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss",
    "ø": "o", "æ": "ae", "ł": "l", "đ": "d",
}  # fmt: skip
_TABLE = str.maketrans(_CYRILLIC)


def slug_from(title: str, *, fallback: str, length: int) -> str:
    """Return the title as a slug of at most `length` characters; never empty and never digits only.

    An address of digits only would be taken for an id.
    """
    slug = slugify(title.lower().translate(_TABLE)).replace("_", "-").strip("-")
    slug = re.sub(r"-{2,}", "-", slug)
    if len(slug) > length:
        cut = slug[: length + 1]
        slug = (cut.rpartition("-")[0] if "-" in cut[length // 2 :] else slug[:length]).strip("-")
    if not slug:
        return fallback
    return f"{fallback}-{slug}"[:length].rstrip("-") if slug.isdigit() else slug


def free_slug(model: Any, title: str, *, fallback: str) -> str:
    """Return a slug for the title that no row of the model has; one statement.

    Two at once may get the same one: the unique constraint decides, and the caller tries again.
    """
    length = model._meta.get_field("slug").max_length
    base = slug_from(title, fallback=fallback, length=length - 5)
    taken = set(
        model._default_manager.filter(Q(slug=base) | Q(slug__startswith=f"{base}-")).values_list("slug", flat=True)
    )
    return next(slug for slug in _candidates(base) if slug not in taken)


def _candidates(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
