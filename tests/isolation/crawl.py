"""Asking as everybody, and reading all that comes back for the other twin's word."""

import base64
import io
import logging
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from api.routes import PLATFORM, Route
from tests.isolation.canaries import WORDS
from tests.isolation.twins import Twin
from tests.permissions import bodies, matrix
from tests.permissions.world import Actor

# Where people are shown what is theirs at every organizer, and what of the organizers' that is.
OWN_EVERYWHERE = re.compile(r"/api/v1/me/|/account/|/api/v1/events/my_upcoming_events/")
# What of an organizer's a buyer is shown anyway, where the order or the event is theirs.
SHOWN_TO_BUYERS = re.compile(
    r"tenants\.Tenant\.(name|tagline)"
    r"|events\.(Event\.(title|summary|description|contact_\w+|online_url)|Venue\.\w+|EventMedia\.alt|Category\.name"
    r"|Tag\.name|ProgramItem\.\w+|BringItem\.\w+|Question\.(text|help)|EventSeries\.title)"
    r"|ticketing\.(TicketType\.(name|description)|Ticket\.(holder_\w+|seat|secret)|TicketPriceTier\.name)"
    r"|orders\.(Order\.(name|email|secret|delivery|fees)"
    r"|OrderLine\.(title|tier_name|attendee_\w+|answers|applied)|Parcel\.\w+|Invoice\.number)"
)
# Who asks the neighbour first, so that whatever is kept of an answer is the neighbour's.
WARMING = ("anonymous", "buyer", "owner")


def _in_base64(word: bytes) -> tuple[bytes, ...]:
    """The letters that any base64 text has in it if the word is in what it encodes, wherever it begins there."""
    found = []
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + word)
        found.append(encoded[-(-offset * 8 // 6) : (offset + len(word)) * 8 // 6])
    return tuple(found)


_BASE64 = {word: _in_base64(word.encode()) for word in WORDS.values()}


def readable(response: Any) -> Iterator[bytes]:
    """All that a client could read: headers, cookies, the body, and what is packed in it."""
    yield "\n".join(f"{name}: {value}" for name, value in response.headers.items()).encode()
    yield str(response.cookies).encode()
    body = b"".join(response.streaming_content) if response.streaming else response.content
    yield from unpacked(body)


def unpacked(body: bytes) -> Iterator[bytes]:
    """The bytes, and what is in them where they are an archive (a sheet, a pass) or a document."""
    yield body
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name))
    elif body[:4] == b"%PDF":
        import pypdfium2

        document = pypdfium2.PdfDocument(body)
        yield "\n".join(page.get_textpage().get_text_bounded() for page in document).encode()


def mentions(word: str, text: bytes) -> bool:
    small = text.lower()
    # Once a text was taken out of a base64 one with its line breaks, nothing of it could be found.
    return word.encode() in small or any(part in text for part in _BASE64[word])


class Crawl:
    """Counts what was asked and what was seen; `finds` holds every foreign word with where it stood."""

    def __init__(self, twins: tuple[Twin, Twin]):
        self.twins = twins
        self.of = {twin.sown.word: twin for twin in twins}
        self.asked: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.finds: list[str] = []
        self.shown: set[str] = set()
        self.bytes = 0

    def ask(self, route: Route, twin: Twin, actor: Actor) -> Any:
        """Send the route's sample about what the twin has; None if it has nothing of the kind."""
        place = twin.world.places["own"]
        filled = matrix.address(route, place, place)
        if filled is None:
            return None
        try:
            body = bodies.body_of(route.method, route.path, place)
        except AttributeError:
            return None  # nothing of that kind there to send
        with Lines() as lines:
            at = "other_tenant" if twin.tenant.slug == "beta" else "own"
            response = matrix.ask(route, actor, at, filled, body, twin.world)
            self.judge(f"{route.host} {route.method} {filled} as {actor.name}", route, twin, actor, response)
        self.judge_lines(lines.found, twin, filled)
        return response

    def judge(self, what: str, route: Route, twin: Twin, actor: Actor, response: Any) -> None:
        self.asked[route.host] += 1
        self.statuses[response.status_code] += 1
        if response.status_code >= 500 or response.status_code == 429:
            # What did not answer could show nothing.
            self.finds.append(f"{what}: {response.status_code}")
        for text in readable(response):
            self.bytes += len(text)
            self.look(f"{what} ({response.status_code})", text, twin, actor, route)

    def look(self, what: str, text: bytes, twin: Twin, actor: Actor | None = None, route: Route | None = None) -> None:
        own = twin.sown.word.encode()
        for number in set(re.findall(own + rb"(\d+)n", text)):
            self.shown.add(twin.sown.columns[int(number)])
        if not mentions(twin.other_word, text):
            return
        other = self.of[twin.other_word].sown
        for number in set(re.findall(rb"(?i)" + twin.other_word.encode() + rb"(\d+)n(\d+)", text)) or {(b"", b"")}:
            column = other.columns[int(number[0])] if number[0] else "?"
            if not _is_ones_own(column, number[1], actor, route):
                self.finds.append(f"{what}: {column} of {other.schema}")

    def judge_lines(self, lines: list[str], twin: Twin, filled: str) -> None:
        for line in lines:
            self.asked["log lines"] += 1
            if mentions(twin.other_word, line.encode()):
                self.finds.append(f"the log of {filled} on {twin.host}: {line[:300]}")


def _is_ones_own(column: str, number: bytes, actor: Actor | None, route: Route | None) -> bool:
    """One's own name, wherever one is; and, where all that one has is shown, what one bought elsewhere."""
    if actor is None or actor.user is None or route is None:
        return False
    if column.startswith("accounts.User."):
        return number == str(actor.user.pk).encode() or actor.operator
    if actor.operator and route.host == PLATFORM:
        return column.startswith("tenants.")  # the list of organizers, and nothing of what is theirs
    return actor.name == "buyer" and bool(SHOWN_TO_BUYERS.fullmatch(column)) and bool(OWN_EVERYWHERE.match(route.path))


class Lines(logging.Handler):
    """What is logged while the block runs, as the product writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._root = logging.getLogger()
        self.setFormatter(next(each.formatter for each in self._root.handlers if each.formatter is not None))

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))

    def __enter__(self) -> "Lines":
        self._root.addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        self._root.removeHandler(self)
