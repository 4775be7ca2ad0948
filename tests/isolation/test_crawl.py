"""Nobody is shown anything of a neighbour who has the same ids (N2, N4): every route of the one table, every role, all
that comes back, all that is sent, logged, cached and written.

ISOLATION_ALL=1 (`make prove-isolation`) asks every route as every role at both twins. The tests ask every route at one
of them, in turn, as three callers and some others, in turn: each role about a third of the routes that are read.
"""

import base64
import io
import logging
import os
import zipfile
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from fpdf import FPDF

from api.routes import PLATFORM, TENANT, Route, table
from tenant_apps.events.models import Event
from tenants import lookup
from tests.isolation import outside
from tests.isolation.canaries import WORDS
from tests.isolation.crawl import WARMING, Crawl, mentions, unpacked
from tests.isolation.twins import Twin
from tests.permissions import matrix
from tests.permissions.world import Actor, undone

EVERYTHING = bool(os.environ.get("ISOLATION_ALL"))
READS = [route for route in table() if route.method == "GET"]
WRITES = [route for route in table() if route.method != "GET"]
# What shows everybody the same, or whoever holds the secret in the address.
ALIKE = ("anyone", "own")


def callers(route: Route, twin: Twin, turn: int) -> list[Actor]:
    """Who asks: everybody; in the tests three and some others in turn, fewer where all see the same."""
    if EVERYTHING:
        return twin.actors
    some = 2 if route.method != "GET" or route.scope in ALIKE else 8
    first = [actor for actor in twin.actors if actor.name in WARMING]
    others = [actor for actor in twin.actors if actor.name not in WARMING]
    return first + [others[(turn * some + number) % len(others)] for number in range(some)]


def both(twins: tuple[Twin, Twin], turn: int) -> list[tuple[Twin, Twin]]:
    """Who is asked, after whom: in turn the one and the other."""
    one, other = twins if turn % 2 else (twins[1], twins[0])
    return [(one, other), (other, one)] if EVERYTHING else [(one, other)]


def told(crawl: Crawl, record_property: Any) -> None:
    record_property("isolation", dict(crawl.asked) | {"shown": len(crawl.shown)})
    finds = list(dict.fromkeys(crawl.finds))
    assert not finds, f"{len(finds)} in {crawl.asked}:\n" + "\n".join(finds[:60])


@pytest.mark.parametrize("kind", ["api", "page"])
def test_nothing_that_is_read_shows_the_neighbours(twins: Any, kind: str, record_property: Any) -> None:
    crawl = Crawl(twins)
    routes = [route for route in READS if route.host == TENANT and route.kind == kind]
    for turn, route in enumerate(routes):
        for asked, before in both(twins, turn):
            for actor in before.actors:
                if actor.name in WARMING:
                    crawl.ask(route, before, actor)
            for actor in callers(route, asked, turn):
                crawl.ask(route, asked, actor)
    told(crawl, record_property)
    # Else the words were nowhere, and nothing could have been found.
    assert len(crawl.shown) > 80, sorted(crawl.shown)
    assert crawl.statuses[200] > len(routes) * 3, crawl.statuses
    assert outside.what_is_cached() == []


@pytest.mark.parametrize("kind", ["api", "page"])
def test_nothing_that_is_written_shows_or_touches_the_neighbours(twins: Any, kind: str, record_property: Any) -> None:
    crawl = Crawl(twins)
    routes = [route for route in WRITES if route.host == TENANT and route.kind == kind]
    touched: set[str] = set()
    for turn, route in enumerate(routes):
        for asked, other in both(twins, turn):
            with undone():
                # The server's counters may hold what earlier transactions wrote; what is taken back stays in them.
                counted = matrix.touched()
                for actor in callers(route, asked, turn):
                    with undone():
                        crawl.ask(route, asked, actor)
                    # What a process keeps of a row that was taken back is nobody's.
                    lookup.forget()
                written = {name for name, rows in matrix.touched().items() if rows != counted.get(name, 0)}
            if foreign := [name for name in sorted(written) if name.startswith(f"{other.tenant.schema_name}.")]:
                crawl.finds.append(f"{route.method} {route.path} at {asked.host} wrote {foreign}")
            touched |= written
    told(crawl, record_property)
    assert len(touched) > 40, touched


def test_the_platforms_own_site_shows_nobody_what_organizers_keep(
    twins: Any, settings: Any, record_property: Any
) -> None:
    """One's own orders everywhere to who ordered; the list of organizers to operators; nothing else to anybody."""
    settings.DEVELOPMENT = False  # there, the front page leads to the demo's organizers
    crawl = Crawl(twins)
    for turn, route in enumerate(route for route in table() if route.host == PLATFORM):
        asked = twins[turn % 2]
        people = callers(route, asked, turn)
        operators = [actor for actor in asked.actors if actor.operator and actor not in people]
        for actor in [*people, *operators]:
            if route.method == "GET":
                crawl.ask(route, asked, actor)
                continue
            with undone():
                crawl.ask(route, asked, actor)
            lookup.forget()
    told(crawl, record_property)


def test_mails_messages_and_what_else_leaves_names_its_own_tenant_only(
    twins: Any, monkeypatch: Any, record_property: Any
) -> None:
    """All that waits in both outboxes and all jobs of the schedule, in turn in the one and in the other."""
    crawl = Crawl(twins)
    sent = outside.Sent(monkeypatch)
    with undone():
        for _round in range(4):
            for twin in twins:
                with outside.Watching(crawl, twin, sent):
                    outside.work_off(twin)
        for name in outside.jobs():
            for twin in twins:
                with outside.Watching(crawl, twin, sent):
                    outside.run(name, twin)
    told(crawl, record_property)
    assert crawl.asked["mails"] > 20 and crawl.asked["calls"] > 2, crawl.asked
    assert not mail.outbox, "every mail was looked at"


def test_what_opens_something_at_one_opens_nothing_at_the_other(twins: Any, client_for: Any) -> None:
    """Secrets, tokens, keys and codes of the one, for the very same ids, shown at the other's host."""
    for twin, other in (twins, (twins[1], twins[0])):
        for name, (path, headers) in outside.openers(twin).items():
            with undone():  # what is refused is noted with the name of who asked
                at_home = client_for(twin.tenant).get(path, **headers)
                away = client_for(other.tenant).get(path, **headers)
            assert at_home.status_code == 200, (name, at_home.status_code, at_home.content[:200])
            assert outside.is_closed(away), (name, away.status_code, path, away.content[:300])
        assert outside.scanned(other, outside.code_of(twin)) == ("refused", "unknown")


def test_no_row_of_one_holds_the_others_word(twins: Any) -> None:
    """After all of the above: what was written was written where it belongs."""
    with connection.cursor() as cursor:
        found = outside.rows_with_words(cursor)
    assert {schema for schema, _word in found} >= {"t_alpha", "t_beta", "public"}
    alpha, beta = WORDS.values()
    assert (found["t_alpha", beta], found["t_beta", alpha]) == ([], [])
    assert outside.what_is_cached() == []


# --- Would it be seen? -----------------------------------------------------------------------------------------------


def one_route(path: str) -> Route:
    return next(each for each in READS if each.host == TENANT and each.path == path)


def asked_of_both(twins: tuple[Twin, Twin], path: str, name: str) -> list[str]:
    crawl = Crawl(twins)
    for twin in twins:
        actor = next(actor for actor in twin.actors if actor.name == name)
        response = crawl.ask(one_route(path), twin, actor)
        assert response.status_code == 200
    return crawl.finds


def test_a_row_kept_by_its_id_alone_would_be_seen(twins: Any, monkeypatch: Any) -> None:
    """The mistake that equal ids are for: a process that remembers a row of whoever asked first."""
    kept: dict[Any, str] = {}
    real = Event.from_db.__func__  # type: ignore[attr-defined]  # it is a class method

    def from_db(cls: Any, db: Any, names: Any, values: Any) -> Any:
        event = real(cls, db, names, values)
        if "title" in event.__dict__:
            event.title = kept.setdefault(event.pk, event.title)
        return event

    path = "/dashboard/events/<slug:slug>/"
    assert asked_of_both(twins, path, "owner") == []
    monkeypatch.setattr(Event, "from_db", classmethod(from_db))
    finds = asked_of_both(twins, path, "owner")
    assert any("events.Event.title of t_alpha" in each for each in finds), finds


def test_a_line_in_the_log_would_be_seen(twins: Any, monkeypatch: Any) -> None:
    real, word = Event.from_db.__func__, twins[0].sown.word  # type: ignore[attr-defined]  # it is a class method

    def from_db(cls: Any, *row: Any) -> Any:
        logging.getLogger("tenant_apps.events").warning("read after %s", f"{word}0n1")
        return real(cls, *row)

    monkeypatch.setattr(Event, "from_db", classmethod(from_db))
    finds = asked_of_both(twins, "/dashboard/events/<slug:slug>/", "owner")
    assert finds and all(each.startswith("the log of /dashboard/events/") for each in finds), finds


def test_a_word_in_a_sheet_a_document_or_an_encoded_text_would_be_seen() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "<c>Axolotl7n1</c>" * 100)
    paper = FPDF()
    paper.add_page()
    paper.set_font("Helvetica")
    paper.cell(text="A Quokka17n3 in it")
    assert not mentions("axolotl", packed.getvalue())
    assert any(mentions("axolotl", text) for text in unpacked(packed.getvalue()))
    assert any(mentions("quokka", text) for text in unpacked(bytes(paper.output())))
    for before in ("", "a", "ab"):
        encoded = base64.b64encode(f"{before}axolotl and more".encode())
        assert mentions("axolotl", encoded) and not mentions("quokka", encoded)
