"""A text as a QR code: PNG for mails, SVG for pages, modules for paper. Nothing is kept between calls (N4)."""

import io

import qrcode
from django.utils.html import format_html
from django.utils.safestring import SafeString
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M

# On screens M, which mends 15 % of the symbol. More would have a fifth more modules a side, and a small picture on a
# cracked screen fails on those sooner than on the damage.
ON_SCREEN = ERROR_CORRECT_M
# On paper, where there is room for large modules, H, which mends 30 %: a sheet is folded, creased and rained on. Two
# creases through the middle, where the toner has come off, are too much for M.
ON_PAPER = ERROR_CORRECT_H
QUIET_ZONE = 4  # modules of white around the symbol (ISO/IEC 18004, 9.1)


def modules(text: str, correction: int = ON_SCREEN, mask: int | None = None) -> list[list[bool]]:
    """Return the symbol row by row, True for dark, without the quiet zone.

    A `mask` (0 to 7) spares the trying of all eight, which is nine tenths of the work. What is random, as tickets'
    codes are, looks much the same under each.
    """
    code = qrcode.QRCode(error_correction=correction, border=0, mask_pattern=mask)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.modules]


def png(text: str, scale: int = 10) -> bytes:
    """Return the symbol with its quiet zone as a black-and-white PNG, `scale` pixels a module."""
    rows = modules(text)
    side = len(rows) + 2 * QUIET_ZONE
    image = Image.new("1", (side, side), 1)
    image.putdata([0 if dark else 1 for row in _framed(rows) for dark in row])
    out = io.BytesIO()
    image.resize((side * scale, side * scale), Image.Resampling.NEAREST).save(out, "PNG", optimize=True)
    return out.getvalue()


def svg(text: str, title: str = "") -> SafeString:
    """Return the symbol with its quiet zone for a page: one path, as wide as its container, always black on white."""
    rows = modules(text)
    side = len(rows) + 2 * QUIET_ZONE
    return format_html(
        '<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" aria-label="{title}"'
        ' shape-rendering="crispEdges">{white}{black}</svg>',
        side=side,
        title=title,
        white=format_html('<path fill="#fff" d="M0 0h{side}v{side}H0z"/>', side=side),
        black=format_html('<path fill="#000" d="{path}"/>', path="".join(_runs(rows))),
    )


def _framed(rows: list[list[bool]]) -> list[list[bool]]:
    side = len(rows) + 2 * QUIET_ZONE
    empty, edge = [[False] * side] * QUIET_ZONE, [False] * QUIET_ZONE
    return [*empty, *([*edge, *row, *edge] for row in rows), *empty]


def _runs(rows: list[list[bool]]) -> list[str]:
    """Each horizontal run of dark modules as one rectangle of the path."""
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            start = x
            while x < len(row) and row[x]:
                x += 1
            runs.append(f"M{start + QUIET_ZONE} {y + QUIET_ZONE}h{x - start}v1h{start - x}z")
    return runs
