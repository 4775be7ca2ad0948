"""Codes that must admit nobody: random, mutated, spliced, truncated, of other keys, events and tenants."""

import base64
import random
from collections.abc import Iterator, Sequence
from itertools import count

from tenant_apps.ticketing.codes import PREFIX

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ANYTHING = [chr(number) for number in (*range(1, 256), 0x2028, 0x660, 0x430, 0x1F3AB)]
_KEY_ID, _TOKEN = 5, 16


def forged(chance: random.Random, good: Sequence[str], valid_elsewhere: Sequence[str] = ()) -> Iterator[str]:
    """Yield forgeries without end, each kind in its turn; none of them is one of the good codes.

    `good` are codes that would admit; `valid_elsewhere` are rightly signed ones that must not.
    """
    known = frozenset(good)
    kinds = [
        _well_formed, _text, _other_letters, _cut_or_grown, _turned, _flipped_bits, _spliced, _dressed, _repeated
    ]  # fmt: skip
    for number in count():
        if valid_elsewhere and number % 10 == 9:
            yield chance.choice(valid_elsewhere)
            continue
        text = kinds[number % len(kinds)](chance, good)
        if text.strip(" \t\r\n") not in known:
            yield text


def _well_formed(chance: random.Random, good: Sequence[str]) -> str:
    return PREFIX + "".join(chance.choices(_ALPHABET, k=136))


def _text(chance: random.Random, good: Sequence[str]) -> str:
    return "".join(chance.choices(_ANYTHING, k=chance.randint(0, 300)))


def _other_letters(chance: random.Random, good: Sequence[str]) -> str:
    letters = list(chance.choice(good))
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(letters))
        letters[place] = chance.choice([each for each in _ALPHABET if each != letters[place]])
    return "".join(letters)


def _cut_or_grown(chance: random.Random, good: Sequence[str]) -> str:
    text = chance.choice(good)
    place = chance.randrange(len(text))
    if chance.random() < 0.3:
        return text[:place]
    return text[:place] + text[place + 1 :] if chance.random() < 0.5 else text[:place] + "A" + text[place:]


def _turned(chance: random.Random, good: Sequence[str]) -> str:
    text = chance.choice(good)
    first, second = sorted(chance.sample(range(len(PREFIX), len(text)), 2))
    return text[:first] + text[second] + text[first + 1 : second] + text[first] + text[second + 1 :]


def _flipped_bits(chance: random.Random, good: Sequence[str]) -> str:
    packed = bytearray(_packed(chance.choice(good)))
    for _ in range(chance.randint(1, 2)):
        packed[chance.randrange(len(packed))] ^= 1 << chance.randrange(8)
    return _as_text(bytes(packed))


def _spliced(chance: random.Random, good: Sequence[str]) -> str:
    """The key's name, the token and the signature of different good codes."""
    ends = (0, _KEY_ID, _KEY_ID + _TOKEN, None)
    parts = [_packed(chance.choice(good)) for _ in range(3)]
    return _as_text(b"".join(part[start:end] for part, start, end in zip(parts, ends, ends[1:], strict=False)))


def _dressed(chance: random.Random, good: Sequence[str]) -> str:
    text = chance.choice(good)
    return chance.choice(
        [text.lower(), f"https://example.test/{text}", text[len(PREFIX) :], "FOYER2." + text[len(PREFIX) :],
         f"{text}=", text.replace("A", "А"), text.replace("O", "0"), f"{text[:70]} {text[70:]}", f"'{text}' OR 1=1 --"]
    )  # fmt: skip


def _repeated(chance: random.Random, good: Sequence[str]) -> str:
    return chance.choice(good) + chance.choice(good)


def _packed(text: str) -> bytes:
    return base64.b32decode(text[len(PREFIX) :])


def _as_text(packed: bytes) -> str:
    return PREFIX + base64.b32encode(packed).decode()
