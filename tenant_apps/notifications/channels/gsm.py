"""How a text message is cut into parts, which is what it costs by (3GPP TS 23.038 and 23.040).

A text of the GSM alphabet has 160 septets in one part and 153 in each of several; any other is UCS-2 with 70 and 67
units of UTF-16. A character that takes two (`€` in GSM, an emoji in UCS-2) is never cut in half.
"""

from typing import NamedTuple

GSM7, UCS2 = "gsm7", "ucs2"
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_COST = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}
_ROOM = {GSM7: (160, 153), UCS2: (70, 67)}
# What people type without meaning it: the one character that would make a text twice as dear.
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\t": " "}
)


class Size(NamedTuple):
    """The alphabet that a text needs, its length in that alphabet's units, and how many parts it is sent in."""

    encoding: str
    units: int
    parts: int


def size(text: str) -> Size:
    """Measure a text; an empty one has no parts."""
    encoding = GSM7 if all(character in _COST for character in text) else UCS2
    costs = [_cost(character, encoding) for character in text]
    one, of_several = _ROOM[encoding]
    units = sum(costs)
    if units <= one:
        return Size(encoding, units, 1 if units else 0)
    parts, free = 1, of_several
    for cost in costs:
        if cost > free:
            parts, free = parts + 1, of_several
        free -= cost
    return Size(encoding, units, parts)


def _cost(character: str, encoding: str) -> int:
    if encoding == GSM7:
        return _COST[character]
    return 2 if ord(character) > 0xFFFF else 1


def plain(text: str) -> str:
    """Return the text with typographic signs made plain, where that alone keeps it in the GSM alphabet."""
    simple = text.translate(_PLAIN)
    return simple if size(simple).encoding == GSM7 else text
