"""Documents on paper: PDFs in a tenant's colour, drawn with one font that has Latin, Greek and Cyrillic.

What people typed is drawn as it is, never read as markup, and without what cannot be seen (B8). The same content
drawn at the same `made_at` gives the same bytes.
"""

import io
import logging
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fpdf import FPDF, FontFace
from fpdf.enums import TableCellFillMode, VAlign

from shared_apps.core.colour import readable_on
from shared_apps.core.templatetags.money import SIGNS, written

# It tells of each table of each font that it makes smaller.
logging.getLogger("fontTools").setLevel(logging.WARNING)

FONTS = Path(__file__).parent / "fonts"
FAMILY = "DejaVu"
# Millimetres.
MARGIN = 18
INK, MUTED, LINE, TINT = (21, 22, 27), (98, 100, 112), (212, 213, 219), (246, 246, 248)


class Column(NamedTuple):
    """A column of a table: its heading, its part of the width, where its text stands."""

    heading: str
    width: float
    align: Literal["LEFT", "RIGHT", "CENTER"] = "LEFT"


class Document(FPDF):
    """A document of one or more pages, A4 if nothing else is said. `footer_lines` stand on each, with its number.

    `size` is width and height in millimetres. `starts` is False for who adds the first page themselves.
    """

    def __init__(
        self,
        *,
        title: str,
        colour: str,
        made_at: datetime,
        language: str,
        footer_lines: Sequence[str] = (),
        size: tuple[float, float] | None = None,
        starts: bool = True,
    ) -> None:
        super().__init__(format=size or "A4")
        self.brand = rgb(readable_on(colour, "#ffffff"))
        self.footer_lines = footer_lines
        self.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
        font: Any = self.fonts[FAMILY.lower()]
        self.glyphs = font.cmap
        self.set_title(self.drawable(title))
        self.set_lang(language)
        self.set_creation_date(made_at)
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, MARGIN + 4 * len(footer_lines))
        if starts:
            self.add_page()

    def header(self) -> None:
        """A band in the tenant's colour at the top of each page."""
        self.set_fill_color(*self.brand)
        self.rect(0, 0, self.w, 3, style="F")

    def footer(self) -> None:
        """What stands at the bottom of each page."""
        self.set_y(-(10 + 4 * len(self.footer_lines)))
        self.ink(7.5, MUTED)
        for line in self.footer_lines:
            self.cell(0, 4, self.drawable(line), align="C", new_x="LMARGIN", new_y="NEXT")
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="C")

    def ink(self, size: float, colour: tuple[int, int, int] = INK, *, bold: bool = False) -> None:
        """Write with this size (in points), colour and weight from now on."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def drawable(self, text: object) -> str:
        """The text as the font can draw it: line breaks stay, what cannot be seen goes, what it lacks is a "?"."""
        kept = []
        for character in unicodedata.normalize("NFC", str(text)):
            if character == "\n":
                kept.append(character)
            elif unicodedata.category(character) in ("Cc", "Cf", "Cs"):
                continue
            elif ord(character) in self.glyphs:
                kept.append(character)
            else:
                kept.append(" " if character.isspace() else "?")
        return "".join(kept)

    def amount(self, minor: int, currency: str) -> str:
        """An amount with all its digits; with the currency's code where the font lacks its sign."""
        text = written(minor, currency, exact=True)
        sign = SIGNS.get(currency, currency)
        drawable = all(ord(character) in self.glyphs for character in sign)
        return self.drawable(text if drawable else text.replace(sign, f"\N{NO-BREAK SPACE}{currency}").strip())

    def block(self, lines: Sequence[str], *, width: float = 0, size: float = 9.5, align: str = "L") -> None:
        """Lines below each other, from where the pen is, long ones broken within the width (in millimetres)."""
        left = self.get_x()
        self.ink(size)
        for line in lines:
            self.set_x(left)
            self.multi_cell(width, size * 0.5, self.drawable(line), align=align, new_x="LEFT", new_y="NEXT")

    def label(self, text: str, *, width: float = 0) -> None:
        """A small heading above a block."""
        left = self.get_x()
        self.ink(7.5, MUTED, bold=True)
        self.cell(width, 5, self.drawable(text), new_x="LEFT", new_y="NEXT")
        self.set_x(left)

    def rows(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, size: float = 9) -> None:
        """A table over the whole width; its headings stand again on each page."""
        self.ink(size)
        self.set_draw_color(*LINE)
        with self.table(
            col_widths=tuple(column.width for column in columns),
            text_align=tuple(column.align for column in columns),
            headings_style=FontFace(emphasis="BOLD", color=MUTED, size_pt=size - 1),
            borders_layout="HORIZONTAL_LINES",
            cell_fill_mode=TableCellFillMode.NONE,
            line_height=size * 0.52,
            padding=(1.6, 1),
            v_align=VAlign.T,
        ) as table:
            for row in [[column.heading for column in columns], *rows]:
                drawn = table.row()
                for text in row:
                    drawn.cell(self.drawable(text))

    def sum_line(self, label: str, amount: str, *, strong: bool = False) -> None:
        """A line below a table: a sum at the right edge with its name before it."""
        self.ink(11 if strong else 9, bold=strong)
        self.cell(self.epw - 42, 7 if strong else 5.5, self.drawable(label), align="R")
        self.cell(42, 7 if strong else 5.5, self.drawable(amount), align="R", new_x="LMARGIN", new_y="NEXT")

    def picture(self, content: bytes, *, height: float, most: float) -> None:
        """A picture from where the pen is, at this height, and at most so wide (in millimetres)."""
        self.image(io.BytesIO(content), w=most, h=height, keep_aspect_ratio=True)

    def squares(self, rows: Sequence[Sequence[bool]], x: float, y: float, side: float) -> None:
        """Draw a symbol of dark and light squares, black, in a square with this left upper corner (in millimetres).

        As one path: no seams between squares, no picture that a viewer would smooth, and quick.
        """
        one = side * self.k / len(rows)
        left, top = x * self.k, (self.h - y) * self.k
        path = [
            f"{left + start * one:.3f} {top - (row + 1) * one:.3f} {length * one:.3f} {one:.3f} re"
            for row, cells in enumerate(rows)
            for start, length in _runs(cells)
        ]
        self._out(f"q 0 g {' '.join(path)} f Q")

    def finished(self) -> bytes:
        """Return the document."""
        made: Any = self.output()
        return bytes(made)


def _runs(cells: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Where each run of dark cells starts, and how long it is."""
    start = None
    for at, dark in enumerate([*cells, False]):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at - start
            start = None


def rgb(colour: str) -> tuple[int, int, int]:
    """ "#rrggbb" as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
