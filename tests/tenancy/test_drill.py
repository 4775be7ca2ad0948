"""The short version of `make drill`: backed up, erased, restored while a neighbour sells; all is as it was (P2)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from bench.drill import fill, oids_of, picture_of
from tenant_apps.orders.models import Order
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user


@contextmanager
def sold_from(tenant: Any) -> Iterator[list[Any]]:
    """Somebody orders there all the time, on a connection of their own; yields what was placed and what went wrong."""
    over, seen = threading.Event(), []
    with in_tenant(tenant):
        kind = make_ticket_type(make_event("Next door"), price_minor=0, capacity=100_000)

    def buy() -> None:
        try:
            with in_tenant(tenant):
                while not over.is_set():
                    seen.append(make_order(kind).pk)
        except Exception as error:  # told by the test
            seen.append(error)
        finally:
            connections.close_all()

    buyer = threading.Thread(target=buy)
    buyer.start()
    try:
        yield seen
    finally:
        over.set()
        buyer.join(60)


def test_a_tenant_is_erased_and_comes_back_while_another_sells_and_a_third_is_not_touched(
    transactional_db: None, alpha: Any, beta: Any, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    lost = fill("lost-one", 60, owner=make_user("owner@lost.test"), pictures=1, members=2)
    before, still, tables = picture_of("lost-one"), picture_of("alpha"), oids_of("beta")
    assert before.rows > 1000 and before.files and len(before.public["members"]) == 3
    archive = tmp_path / "lost-one.zip"
    with sold_from(beta) as placed:
        call_command("tenant_backup", "lost-one", to=archive, stdout=StringIO())
        call_command("tenant_erase", "lost-one", sure="lost-one", at_once=True, stdout=StringIO())
        assert Tenant.objects.get(pk=lost.pk).status == "closed"
        assert not list((settings.MEDIA_ROOT / lost.schema_name).rglob("*.*"))
        call_command("tenant_restore", "lost-one", str(archive), stdout=StringIO())
    assert before.differences(picture_of("lost-one")) == []
    assert still.differences(picture_of("alpha")) == []
    assert oids_of("beta") == tables
    assert placed and not [each for each in placed if isinstance(each, Exception)]
    with in_tenant(beta):
        assert set(Order.objects.values_list("pk", flat=True)) >= set(placed)
    assert breaches_in(Tenant.objects.get(slug="lost-one")) == breaches_in(beta) == []


def test_the_comparison_sees_a_row_a_file_and_a_fact_that_differ(
    transactional_db: None, alpha: Any, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    before = picture_of("alpha")
    with in_tenant(alpha):
        make_event("One more")
    folder = settings.MEDIA_ROOT / alpha.schema_name
    folder.mkdir(parents=True)
    (folder / "x.jpg").write_bytes(b"x")
    Tenant.objects.filter(pk=alpha.pk).update(name="Other")
    found = "\n".join(before.differences(picture_of("alpha")))
    assert "tables events_event" in found and "files x.jpg" in found and "public name" in found
