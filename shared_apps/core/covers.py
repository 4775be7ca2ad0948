"""Pictures for events that have none: drawn from the title, the same each time, without text.

An SVG of about a kilobyte in the page itself. Colours come from curated palettes, the motif from the category
(by known words, else by hash), the rest from a hash of the title.
"""

import hashlib
import math
import random
from collections.abc import Callable

WIDTH, HEIGHT = 640, 400

# Ground from, ground to, two lights and a spark: deep grounds, so that white text may stand on them.
PALETTES = [
    ("#1e1b4b", "#5b21b6", "#a78bfa", "#f472b6", "#fde68a"),
    ("#0c2d48", "#0e5f76", "#2dd4bf", "#7dd3fc", "#fef3c7"),
    ("#431407", "#9a3412", "#fb923c", "#fbbf24", "#fff7ed"),
    ("#3b0a2a", "#9d174d", "#fb7185", "#fda4af", "#fde68a"),
    ("#052e2b", "#0f6b4f", "#34d399", "#a3e635", "#ecfccb"),
    ("#111c44", "#1d4ed8", "#60a5fa", "#c4b5fd", "#f9fafb"),
    ("#2a0f1e", "#7c2d3a", "#f59e8b", "#e9c46a", "#fff1e6"),
    ("#172033", "#3b4a6b", "#93a8d6", "#f0abfc", "#fcd34d"),
]

Motif = Callable[[random.Random, tuple[str, ...], str], str]


def _waves(chance: random.Random, colours: tuple[str, ...], key: str) -> str:
    """Sound: a field of bars under a bow."""
    bars, phase, speed = [], chance.uniform(0, 6), chance.uniform(0.22, 0.4)
    for index in range(33):
        tall = 26 + 118 * abs(math.sin(index * speed + phase)) * math.sin(math.pi * (index + 1) / 34)
        x = 24 + index * 18
        bars.append(
            f'<rect x="{x}" y="{230 - tall:.0f}" width="8" height="{tall * 2:.0f}" rx="4"'
            f' fill="{colours[2 + index % 2]}" opacity="{0.35 + 0.5 * tall / 144:.2f}"/>'
        )
    return "".join(bars)


def _beams(chance: random.Random, colours: tuple[str, ...], key: str) -> str:
    """The stage: beams of light from above."""
    parts = []
    for index in range(6):
        top, spread = 60 + index * 104 + chance.randint(-24, 24), chance.randint(60, 120)
        foot = top + chance.randint(-190, 190)
        parts.append(
            f'<path d="M{top} -10L{foot - spread} 410H{foot + spread}Z" fill="{colours[2 + index % 3]}" opacity=".2"/>'
        )
    floor = f'<ellipse cx="320" cy="404" rx="380" ry="64" fill="{colours[0]}" opacity=".75"/>'
    return "".join(parts) + floor


def _discs(chance: random.Random, colours: tuple[str, ...], key: str) -> str:
    """The projector: rings and moons."""
    x, y = chance.randint(180, 460), chance.randint(150, 250)
    rings = "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="{colours[2]}" stroke-width="{2 + index}"'
        f' opacity="{0.55 - index * 0.07:.2f}"/>'
        for index, radius in enumerate(range(84, 420, 56))
    )
    moon_x = x + chance.choice((-1, 1)) * chance.randint(90, 150)
    return (
        f'{rings}<circle cx="{x}" cy="{y}" r="62" fill="{colours[4]}" opacity=".92"/>'
        f'<circle cx="{moon_x}" cy="{y - 60}" r="24" fill="{colours[3]}"/>'
    )


def _hills(chance: random.Random, colours: tuple[str, ...], key: str) -> str:
    """The open air: a sun over layered hills."""
    parts = [
        f'<circle cx="{chance.randint(140, 500)}" cy="{chance.randint(100, 160)}" r="58"'
        f' fill="{colours[4]}" opacity=".95"/>'
    ]
    for layer, base in enumerate((230, 275, 325)):
        a, b = base + chance.randint(-60, 30), base + chance.randint(-30, 60)
        parts.append(
            f'<path d="M0 {base}C160 {a} 260 {b} 380 {base - 20}S560 {a} 640 {base}V400H0Z"'
            f' fill="{colours[(3, 2, 0)[layer]]}" opacity="{(0.55, 0.6, 0.8)[layer]}"/>'
        )
    return "".join(parts)


def _tiles(chance: random.Random, colours: tuple[str, ...], key: str) -> str:
    """The workshop: quarter circles on a grid."""
    parts, size = [], 80
    for row in range(5):
        for column in range(8):
            if chance.random() < 0.34:
                continue
            x, y, turn = column * size, row * size, chance.randint(0, 3)
            x0, y0 = x + size * (turn in (1, 2)), y + size * (turn in (2, 3))
            x1, y1 = x + size * (turn in (0, 3)), y + size * (turn in (2, 3))
            x2, y2 = x + size * (turn in (1, 2)), y + size * (turn in (0, 1))
            parts.append(
                f'<path d="M{x0} {y0}L{x1} {y1}A{size} {size} 0 0 {1 - turn % 2} {x2} {y2}Z"'
                f' fill="{colours[chance.choice((2, 2, 3, 4))]}" opacity="{chance.choice((".25", ".5", ".8"))}"/>'
            )
    return "".join(parts)


def _drops(chance: random.Random, colours: tuple[str, ...], key: str) -> str:
    """The table: soft rounds that overlap, as glasses do."""
    parts = []
    for index in range(7):
        x, y, radius = chance.randint(40, 600), chance.randint(60, 340), chance.randint(46, 128)
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colours[2 + index % 3]}"'
            f' opacity=".{chance.randint(22, 48)}"/>'
        )
    return "".join(parts)


MOTIFS: list[tuple[str, Motif]] = [
    (
        "concert music jazz opera orchestra classical chamber choir organ recital band симф концерт музык джаз опера",
        _waves,
    ),
    ("theatre theater dance ballet comedy stand show театр балет спектакль комед", _beams),
    ("film cinema movie kino talk lecture screening кино фильм лекц показ", _discs),
    ("open outdoor festival market tour excursion walk visit фестив экскурс прогулк пикник ярмар", _hills),
    ("workshop class course kids family school мастер класс дет курс урок", _tiles),
    ("tasting food wine dinner party дегуст вино ужин кулинар вечерин", _drops),
]


def cover(title: str, category: str = "", key: str = "") -> str:
    """Return the SVG for an event. `key` keeps ids apart when several stand on one page."""
    digest = hashlib.sha256(title.encode()).digest()
    chance = random.Random(digest)  # noqa: S311  (a picture, not a secret)
    colours = PALETTES[digest[0] % len(PALETTES)]
    words = category.lower()
    known = [motif for names, motif in MOTIFS if words and any(name in words for name in names.split())]
    motif = known[0] if known else MOTIFS[(hashlib.sha256(words.encode()).digest()[0] + digest[1] % 2) % len(MOTIFS)][1]
    name = f"cover-{hashlib.sha256((title + key).encode()).hexdigest()[:8]}"
    across = chance.choice(('x2="1" y2="1"', 'x2="0" y2="1"', 'x1="1" x2="0" y2="1"'))
    return (
        f'<svg class="cover" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMidYMid slice" aria-hidden="true"'
        f' focusable="false"><defs><linearGradient id="{name}" {across}><stop offset="0" stop-color="{colours[0]}"/>'
        f'<stop offset="1" stop-color="{colours[1]}"/></linearGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#{name})"/>{motif(chance, colours, name)}</svg>'
    )


def drawing(title: str, category: str = "") -> bytes:
    """Return the same picture as a file that stands by itself."""
    inline = cover(title, category)
    size = f'xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
    return inline.replace("<svg ", f"<svg {size} ", 1).encode()
