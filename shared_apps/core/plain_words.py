"""Text that people write for others to read: what cannot be seen is taken out before it is judged or kept (B8)."""

import unicodedata

# So many marks on one letter are writing; more are a tower that covers the lines above it.
MOST_MARKS = 3
_JOINER = "\u200d"
# Letters that are drawn as nothing: a name of them looks empty.
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")


def one_line(text: str) -> str:
    """Return the text as one line of visible characters, with single spaces."""
    return " ".join(_visible(text).split())


def lines(text: str) -> str:
    """Return the text with its lines, at most one empty one between two, without what cannot be seen."""
    kept: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = " ".join(_visible(line).split())
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _visible(text: str) -> str:
    """Without control, direction and format characters, blank letters and towers of marks.

    A joiner stays between two symbols, where it makes one emoji of them.
    """
    found: list[str] = []
    marks = 0
    text = unicodedata.normalize("NFC", text)
    for place, character in enumerate(text):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind.startswith("M") else 0
        if character in _BLANK_LETTERS or marks > MOST_MARKS:
            continue
        if kind in ("Cc", "Zl", "Zp"):
            found.append(" ")
        elif character == _JOINER:
            if found and _is_symbol(found[-1]) and place + 1 < len(text) and _is_symbol(text[place + 1]):
                found.append(character)
        elif kind not in ("Cf", "Cs", "Co", "Cn"):
            found.append(character)
    return "".join(found)


def _is_symbol(character: str) -> bool:
    # The picture itself, its colour of skin, and the sign that asks for a picture instead of a letter.
    return unicodedata.category(character) in ("So", "Sk") or character == "\ufe0f"
