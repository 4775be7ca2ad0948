"""What a review is held for before staff have looked at it. Pure functions over text and the tenant's settings.

A rule never refuses and never changes what somebody meant: it only says that a person should read it first. So a rule
that is wrong now and then costs a wait, not a voice.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.plain_words import lines, one_line

# Each rule by its name, which stands on the review, with what staff read.
HELD_FOR: dict[str, Any] = {
    "all": _("Every review waits here, as your settings say"),
    "words": _("Has a word of your list"),
    "link": _("Has a link, an address or a phone number"),
    "markup": _("Has HTML in it"),
    "hidden": _("Had characters that nobody can see"),
    "shouting": _("Is written in capitals or repeats itself"),
    "name": _("Is signed with your own name"),
    "network": _("One of many from the same network"),
    "again": _("Was changed after you had taken it down"),
}
# A host name of two labels or more, an address of mail, a number to call.
_LINK = re.compile(
    r"https?://|www\.|\b[\w.+-]+@[\w-]+\.\w{2,}"
    r"|\b[a-z0-9][a-z0-9-]*\.(?:com|net|org|info|biz|ru|su|io|me|app|shop|xyz|top|site|online|club|link|click|рф)\b"
    r"|(?<!\w)(?:t|wa)\.me/|(?<![\w.,])\+?\d(?:[\s().-]{0,2}\d){8,14}(?!\w)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<\s*/?\s*[a-z!][^>]{0,400}>|<\s*script|javascript:|\bon\w+\s*=\s*[\"']", re.IGNORECASE)
_REPEATS = re.compile(r"(\S)\1{9,}|\b(\w+)(?:\W+\2){5,}", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_SHORTEST_SHOUT = 25
# Letters that look like others: "vіagrа" with Cyrillic letters is the same word to a reader.
_ALIKE = str.maketrans("аеорсухіѕкмтвнзб01l3457@$", "aeopcyxiskmtbhe6oiieastas")


def cleaned(text: str) -> str:
    """Return a comment without what nobody sees, its lines kept."""
    return lines(text)


def cleaned_name(text: str) -> str:
    """Return the name that stands beside a review, on one line."""
    return one_line(text)


def held_for(comment: str, name: str, *, raw: str, words: Iterable[str], links: bool, site: str) -> list[str]:
    """Return the names of the rules that want a look at it. `raw` is what was sent, before it was cleaned."""
    text = f"{name}\n{comment}"
    found = {
        "words": has_word(text, words),
        "link": links and bool(_LINK.search(text)),
        "markup": bool(_MARKUP.search(text)),
        "hidden": _hides(raw, comment),
        "shouting": _shouts(comment),
        "name": bool(name) and _skeleton(name) == _skeleton(site),
    }
    return [rule for rule, holds in found.items() if holds]


def has_word(text: str, words: Iterable[str]) -> bool:
    """Tell whether one of the words stands in the text, whatever its case and accents and with letters that look alike.

    A word ending in * stands for every word that begins so.
    """
    plain = _WORD.findall(_folded(text))
    there, spoken = {*plain, *_WORD.findall(_skeleton(text))}, f" {' '.join(plain)} "
    return any(_stands(word, there, spoken) for word in words)


def _stands(word: str, there: Collection[str], spoken: str) -> bool:
    wanted = " ".join(_WORD.findall(_folded(word)))
    if not wanted:
        return False
    if " " in wanted:
        return f" {wanted} " in spoken
    if word.rstrip().endswith("*"):
        return any(each.startswith((wanted, _skeleton(wanted))) for each in there)
    return wanted in there or _skeleton(wanted) in there


def _folded(text: str) -> str:
    """In small letters, without accents; й and ё stay letters of their own."""
    kept = unicodedata.normalize("NFC", text.casefold())
    plain = (each if each in "йё" else unicodedata.normalize("NFKD", each)[:1] for each in kept)
    return "".join(each for each in plain if not unicodedata.combining(each))


def _skeleton(text: str) -> str:
    """What a reader takes it for, in Latin letters; only for comparing."""
    return " ".join(_folded(text).translate(_ALIKE).split())


def _hides(raw: str, comment: str) -> bool:
    """Whether cleaning took out more than white space and what text editors leave behind."""
    before = unicodedata.normalize("NFC", raw.removeprefix("\ufeff"))
    # A soft hyphen and a no-break space come along with text that was copied from a page.
    return "".join(before.replace("\xad", "").split()) != "".join(comment.split())


def _shouts(comment: str) -> bool:
    seen = [character for character in comment if character.isalpha()]
    capitals = sum(character.isupper() for character in seen)
    return bool(_REPEATS.search(comment)) or (len(seen) >= _SHORTEST_SHOUT and capitals > 0.8 * len(seen))
