"""Words in small Latin letters, for addresses made from names."""

import re

from django.utils.text import slugify

# Russian by the rules of passports and airline tickets (ICAO Doc 9303), which people recognise; a few neighbours.
_LETTERS = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iu",
    "я": "ia", "і": "i", "ї": "i", "є": "ie", "ґ": "g", "ў": "u", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss",
    "ø": "o", "æ": "ae", "ł": "l", "đ": "d",
}  # fmt: skip
_TABLE = str.maketrans(_LETTERS)


def latin_slug(text: str) -> str:
    """Return the text as small Latin letters, digits and single hyphens; empty if nothing of it can be written so."""
    slug = slugify(text.lower().translate(_TABLE)).replace("_", "-").strip("-")
    return re.sub(r"-{2,}", "-", slug)
