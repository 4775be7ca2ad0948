"""Tickets as PDFs: on A4, a sheet for each, and on pages as wide as a phone. Only what is handed in is drawn.

The code stands in the upper right quarter of the sheet, where neither halves nor thirds are folded, and large enough
to be read after all. What people typed is shortened to the room there is, never read as markup (B8).
"""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import override
from PIL import Image

from shared_apps.core import covers
from shared_apps.core.colour import text_on
from shared_apps.core.documents import FAMILY, INK, LINE, MARGIN, MUTED, TINT, Document, rgb
from tenant_apps.ticketing import qr
from tenant_apps.ticketing.models import Ticket

Layout = Literal["a4", "phone"]
LAYOUTS: tuple[Layout, ...] = ("a4", "phone")
PHONE = (90.0, 200.0)
# The side of the symbol with its quiet zone, in millimetres: 61 modules of a millimetre.
CODE = 62.0
# The symbol's mask: see qr.modules.
MASK = 2


class Issuer(NamedTuple):
    """Whose tickets these are: the organizer as the papers show them."""

    name: str
    colour: str
    logo: bytes | None


class Sheet(NamedTuple):
    """One ticket for paper: the text of its code, who holds it, its order, its event's picture and public page."""

    ticket: Ticket
    code: str
    holder: str
    order: str
    picture: bytes | None
    address: str


def pdf(sheets: Sequence[Sheet], issuer: Issuer, *, layout: Layout, language: str, made_at: datetime) -> bytes:
    """Return one file with a page for each ticket, in this language."""
    with override(language):
        paper = _Phone if layout == "phone" else _A4
        made = paper(sheets, issuer, language, made_at)
        for number, sheet in enumerate(sheets, 1):
            made.add_page()
            made.number = number
            made.draw(sheet)
        return made.finished()


def spaced(short_code: str) -> str:
    """The code that people read aloud, in groups of four."""
    return " ".join(short_code[at : at + 4] for at in range(0, len(short_code), 4))


def when(event: Any) -> str:
    """When the event is, on its own clock."""
    zone = ZoneInfo(event.timezone)
    start = event.starts_at.astimezone(zone)
    text = format_date(start, "l, j E Y, H:i")
    if event.ends_at is None or event.ends_at - event.starts_at > timedelta(hours=18):
        return text
    return f"{text} – {format_date(event.ends_at.astimezone(zone), 'H:i')}"


class _Paper(Document):
    """What both layouts share."""

    number = 1

    def __init__(self, sheets: Sequence[Sheet], issuer: Issuer, language: str, made_at: datetime, **size: Any) -> None:
        titles = list(dict.fromkeys(sheet.ticket.event.title for sheet in sheets))
        super().__init__(
            title=titles[0] if len(titles) == 1 else issuer.name,
            colour=issuer.colour,
            made_at=made_at,
            language=language,
            starts=False,
            **size,
        )
        self.issuer, self.count = issuer, len(sheets)
        self.set_author(self.drawable(issuer.name))
        # A ticket is one page: what does not fit is shortened.
        self.set_auto_page_break(False)
        self.c_margin = 0

    def draw(self, sheet: Sheet) -> None:
        raise NotImplementedError

    def footer(self) -> None:
        """Nothing: the page is full."""

    def fitted(self, text: str, width: float, sizes: Sequence[float], most: int, *, bold: bool = False) -> list[str]:
        """Set the first of these sizes at which the text fits into so many lines, and return them; at the last size
        it is shortened."""
        drawable = " ".join(self.drawable(text).split())
        found: list[str] = []
        for size in sizes:
            self.set_font(FAMILY, "B" if bold else "", size)
            broken: Any = self.multi_cell(width, size * 0.45, drawable, align="L", dry_run=True, output="LINES")
            found = list(broken)
            if len(found) <= most:
                return found
        last = " ".join(found[most - 1 :])
        while last and self.get_string_width(f"{last}…") > width:
            last = last[:-1]
        return [*found[: most - 1], f"{last.rstrip()}…"]

    def text_at(
        self,
        text: str,
        x: float,
        y: float,
        width: float,
        *,
        sizes: Sequence[float],
        most: int = 1,
        colour: tuple[int, int, int] = INK,
        bold: bool = False,
        align: Literal["L", "C", "R"] = "L",
        link: str = "",
    ) -> float:
        """Write the text, at most so many lines of it, and return where it ended (in millimetres from the top)."""
        self.ink(sizes[0], colour, bold=bold)
        for line in self.fitted(text, width, sizes, most, bold=bold):
            height = self.font_size * 1.32
            self.set_xy(x, y)
            self.cell(width, height, line, align=align, link=link)
            y += height
        return y

    def fact(
        self, name: str, value: str, x: float, y: float, width: float, *, size: float = 10, most: int = 2
    ) -> float:
        """A name in small letters and its value below."""
        y = self.text_at(name, x, y, width, sizes=[7], colour=MUTED)
        return self.text_at(value, x, y, width, sizes=[size, size * 0.85], most=most, bold=True)

    def art(self, sheet: Sheet, x: float, y: float, width: float, height: float) -> None:
        """The event's picture, or the one that its page draws, cut to this place."""
        event = sheet.ticket.event
        category = f"{event.category.slug} {event.category.name}" if event.category else ""
        content = sheet.picture or covers.drawing(event.title, category)
        with self.rect_clip(x, y, width, height):
            if sheet.picture:
                across, down = Image.open(io.BytesIO(content)).size
            else:
                across, down = covers.WIDTH, covers.HEIGHT
            part = down / across
            wide, high = (width, width * part) if width * part >= height else (height / part, height)
            self.image(io.BytesIO(content), x - (wide - width) / 2, y - (high - height) / 2, w=wide, h=high)

    def symbol(self, sheet: Sheet, x: float, y: float, side: float) -> None:
        """The code in a square of white with its quiet zone."""
        rows = qr.modules(sheet.code, qr.ON_PAPER, MASK)
        module = side / (len(rows) + 2 * qr.QUIET_ZONE)
        self.set_fill_color(255, 255, 255)
        self.rect(x, y, side, side, style="F")
        self.squares(rows, x + qr.QUIET_ZONE * module, y + qr.QUIET_ZONE * module, len(rows) * module)

    def place(self, sheet: Sheet, x: float, y: float, width: float, *, size: float, most: int = 2) -> float:
        """Where it is: name, address, and a link that opens the map of whoever taps it (RFC 5870). No map of others
        is drawn, which would tell them of each ticket."""
        event = sheet.ticket.event
        if event.attendance == "online" or event.venue is None:
            if event.online_url:
                y = self.text_at(_("Take part online"), x, y, width, sizes=[7], colour=MUTED)
                y = self.text_at(
                    event.online_url, x, y, width, sizes=[size - 1, size - 2], most=most, link=event.online_url
                )
            return y
        venue = event.venue
        y = self.fact(_("Where"), venue.name, x, y, width, size=size, most=most)
        address = ", ".join(dict.fromkeys(part for part in (venue.address, venue.city) if part))
        if address:
            y = self.text_at(address, x, y, width, sizes=[size - 1, size - 2], most=most)
        if venue.latitude is not None and venue.longitude is not None:
            y = self.pin(venue, x, y + 0.6, width, size)
        return y

    def pin(self, venue: Any, x: float, y: float, width: float, size: float) -> float:
        """A pin and the coordinates, which are a link."""
        point = f"{venue.latitude:.5f}, {venue.longitude:.5f}"
        height, radius = size * 0.42, size * 0.09
        self.set_fill_color(*self.brand)
        middle = x + radius + 0.3
        self.circle(middle, y + height * 0.42, radius, style="F")
        shoulder, edge = y + height * 0.52, radius * 0.86
        self.polygon([(middle - edge, shoulder), (middle + edge, shoulder), (middle, y + height)], style="F")
        self.set_fill_color(255, 255, 255)
        self.circle(middle, y + height * 0.42, radius * 0.4, style="F")
        return self.text_at(
            point,
            x + radius * 2 + 1.6,
            y,
            width - radius * 2 - 2,
            sizes=[size - 1.5],
            colour=self.brand,
            link=f"geo:{venue.latitude:.6f},{venue.longitude:.6f}",
        )

    def particulars(self, sheet: Sheet) -> list[tuple[str, str]]:
        """What else the ticket says."""
        ticket = sheet.ticket
        free = ticket.price_minor == 0
        facts = [
            (_("Holder"), sheet.holder or _("Whoever brings it")),
            (_("Ticket type"), ticket.ticket_type.name),
            (_("Seat"), ticket.seat),
            (_("Price"), _("Free") if free else self.amount(ticket.price_minor, ticket.currency)),
            (_("Order"), sheet.order),
            (_("Valid"), self.window(ticket)),
        ]
        return [(name, value) for name, value in facts if value]

    def window(self, ticket: Ticket) -> str:
        """From when and until when it admits, where it says so."""
        zone = ZoneInfo(ticket.event.timezone)
        parts = []
        if ticket.valid_from:
            parts.append(_("from %s") % format_date(ticket.valid_from.astimezone(zone), "j E Y, H:i"))
        if ticket.valid_until:
            parts.append(_("until %s") % format_date(ticket.valid_until.astimezone(zone), "j E Y, H:i"))
        return " ".join(parts)


class _A4(_Paper):
    """A sheet for the printer."""

    def draw(self, sheet: Sheet) -> None:
        event = sheet.ticket.event
        right = self.w - MARGIN
        self._head()
        top = 34.0
        self.symbol(sheet, right - CODE, top, CODE)
        width = self.w - 2 * MARGIN - CODE - 8
        y = self.text_at(
            event.title, MARGIN, top, width, sizes=[24, 20, 17, 14, 12, 10], most=4, bold=True, colour=self.brand
        )
        y = self.text_at(when(event), MARGIN, y + 2, width, sizes=[12, 11, 10], most=2, bold=True)
        y = self.text_at(event.timezone, MARGIN, y, width, sizes=[7.5], colour=MUTED)
        y = self.place(sheet, MARGIN, y + 3, width, size=11)
        self._short_code(sheet, right - CODE, top + CODE)
        self.art(sheet, MARGIN, max(y + 4, 114), right - MARGIN, 62)
        y = self._facts(sheet, max(y + 4, 114) + 70)
        self._notes(sheet, y + 8)

    def _head(self) -> None:
        if self.issuer.logo:
            self.set_xy(MARGIN, 10)
            self.picture(self.issuer.logo, height=15, most=60)
            self.text_at(self.issuer.name, MARGIN + 64, 14, 76, sizes=[10, 8.5], bold=True, most=2)
        else:
            self.text_at(self.issuer.name, MARGIN, 14, 130, sizes=[14, 11, 9], bold=True, colour=self.brand, most=2)
        if self.count > 1:
            text = _("Ticket %(number)d of %(count)d") % {"number": self.number, "count": self.count}
            self.text_at(text, self.w - MARGIN - 50, 15, 50, sizes=[9], colour=MUTED, align="R")

    def _short_code(self, sheet: Sheet, x: float, y: float) -> None:
        self.text_at(_("If it cannot be scanned"), x, y, CODE, sizes=[7], colour=MUTED, align="C")
        self.text_at(spaced(sheet.ticket.short_code), x, y + 3, CODE, sizes=[17], bold=True, align="C")

    def _facts(self, sheet: Sheet, y: float) -> float:
        """In two columns, each row as high as its higher half."""
        half = (self.w - 2 * MARGIN - 8) / 2
        facts = self.particulars(sheet)
        for at in range(0, len(facts), 2):
            self.set_draw_color(*LINE)
            self.line(MARGIN, y, self.w - MARGIN, y)
            pair = facts[at : at + 2]
            wide = half if len(pair) == 2 else self.w - 2 * MARGIN
            ends = [
                self.fact(*fact, MARGIN + column * (half + 8), y + 2, wide, size=11) for column, fact in enumerate(pair)
            ]
            y = max(ends) + 2
        self.line(MARGIN, y, self.w - MARGIN, y)
        return y

    def _notes(self, sheet: Sheet, y: float) -> None:
        width = self.w - 2 * MARGIN
        self.set_fill_color(*TINT)
        self.rect(MARGIN, y, width, 26, style="F")
        text = _(
            "Show this code at the entrance, on paper or on the phone. Keep it to yourself: it admits once, and whoever"
            " shows it first comes in."
        )
        end = self.text_at(text, MARGIN + 4, y + 3, width - 8, sizes=[9, 8], most=3)
        event = sheet.ticket.event
        contact = " · ".join(
            part for part in (event.contact_name, event.contact_email, event.contact_phone, event.contact_url) if part
        )
        if contact:
            end = self.text_at(contact, MARGIN + 4, end + 0.6, width - 8, sizes=[8, 7], colour=MUTED)
        self.text_at(
            sheet.address, MARGIN + 4, end + 0.6, width - 8, sizes=[8, 7], colour=self.brand, link=sheet.address
        )


class _Phone(_Paper):
    """A page as wide as a phone: the code is as large as the screen lets it be."""

    SIDE = 6.0

    def __init__(self, sheets: Sequence[Sheet], issuer: Issuer, language: str, made_at: datetime) -> None:
        super().__init__(sheets, issuer, language, made_at, size=PHONE)

    def header(self) -> None:
        """Drawn with the ticket: its height depends on the title."""

    def draw(self, sheet: Sheet) -> None:
        event = sheet.ticket.event
        side, width = self.SIDE, self.w - 2 * self.SIDE
        ground = rgb(self.issuer.colour)
        ink = rgb(text_on(self.issuer.colour))
        sizes = [15, 13, 11, 9, 8]
        band = 11 + len(self.fitted(event.title, width, sizes, 3, bold=True)) * self.font_size * 1.32
        self.set_fill_color(*ground)
        self.rect(0, 0, self.w, band + 1, style="F")
        self.text_at(self.issuer.name, side, 4, width - 16, sizes=[8], colour=ink)
        if self.count > 1:
            self.text_at(f"{self.number} / {self.count}", self.w - side - 16, 4, 16, sizes=[8], colour=ink, align="R")
        self.text_at(event.title, side, 8.5, width, sizes=sizes, most=3, bold=True, colour=ink)
        self.art(sheet, 0, band, self.w, 55 - band)
        code = self.w - 2 * 8
        self.symbol(sheet, 8, 56, code)
        y = 56 + code
        self.text_at(spaced(sheet.ticket.short_code), side, y, width, sizes=[16], bold=True, align="C")
        y = self.text_at(when(event), side, y + 9, width, sizes=[10, 9, 8, 7], bold=True)
        y = self.place(sheet, side, y + 1, width, size=9, most=1)
        self.set_draw_color(*LINE)
        self.line(side, y + 1.5, self.w - side, y + 1.5)
        half = (width - 4) / 2
        (name, holder), *facts = self.particulars(sheet)
        y = self.fact(name, holder, side, y + 2.5, width, size=9, most=1) + 0.8
        for at in range(0, len(facts), 2):
            pair = facts[at : at + 2]
            wide = half if len(pair) == 2 else width
            ends = [self.fact(*fact, side + column * (half + 4), y, wide, size=8.5) for column, fact in enumerate(pair)]
            y = max(ends) + 0.8
