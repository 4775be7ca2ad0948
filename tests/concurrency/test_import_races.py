"""A file that is being applied beside people who sell and change: real connections and real commits."""

import threading
from typing import Any

import pytest
from django.db import connections

from shared_apps.core.errors import DomainError
from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.imports import services
from tenant_apps.orders import lifecycle
from tenant_apps.orders.models import Order
from tenant_apps.payments.bulk import AdmissionsInBulk
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing import services as ticketing
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_quota, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")
# How long somebody else may take who is not kept waiting; who is, comes after us.
A_MOMENT = 1.0


class Meanwhile:
    """Does something in a connection of its own when called, and waits for its end a moment at most."""

    def __init__(self, tenant: Any, action: Any):
        self.tenant, self.action, self.outcome = tenant, action, ""
        self.thread = threading.Thread(target=self._run)

    def __call__(self) -> None:
        if not self.thread.ident:
            self.thread.start()
            self.thread.join(A_MOMENT)

    def _run(self) -> None:
        try:
            with in_tenant(self.tenant):
                self.action()
            self.outcome = "ok"
        except DomainError as error:
            self.outcome = error.code
        finally:
            connections.close_all()


def ready(resource: str, text: str) -> Any:
    job = services.validate(
        services.start(resource=resource, file_name="a.csv", content=text.encode(), actor=None, dry_run=True)
    )
    assert job.status == "ready", job.errors
    return services.ask_to_apply(job, actor=None)


def last_settled(monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> None:
    """Something happens after the plan was made for the last time, before anything is written."""
    put = AdmissionsInBulk.put

    def watched(self: AdmissionsInBulk) -> None:
        run = self.run

        def before_orders(statement: str, *params: Any) -> int:
            if statement.startswith("INSERT INTO orders_order ("):
                meanwhile()
            return run(statement, *params)

        self.run = before_orders  # type: ignore[method-assign]  # watched for one test
        put(self)

    monkeypatch.setattr(AdmissionsInBulk, "put", watched)


def test_a_type_that_joins_a_quota_while_its_tickets_are_imported_is_counted_there(alpha, monkeypatch):
    with in_tenant(alpha):
        event = make_event("Gala", external_id="gala")
        kind = make_ticket_type(event, capacity=10)
        hall = make_quota(event, capacity=10, name="Hall")
        job = ready("attendees", "event,email\ngala,a@x.test\ngala,b@x.test\n")
        staff = Meanwhile(alpha, lambda: ticketing.change_quota(hall, actor=None, ticket_types=[kind]))
        last_settled(monkeypatch, staff)
        assert services.apply(job).status == "applied"
        staff.thread.join(10)
        assert staff.outcome == "ok"
        hall.refresh_from_db()
        assert (hall.sold, kind.quotas.exclude(pk=hall.pk).get().sold) == (2, 2)
        assert breaches_in(alpha) == []


def test_an_event_keeps_its_currency_while_its_orders_are_imported(alpha, monkeypatch):
    with in_tenant(alpha):
        event = make_event("Gala", external_id="gala", currency="EUR")
        make_ticket_type(event, price_minor=0)
        job = ready("attendees", "event,email\ngala,a@x.test\n")
        staff = Meanwhile(alpha, lambda: events.update_event(event, actor=None, currency="USD"))
        last_settled(monkeypatch, staff)
        assert services.apply(job).status == "applied"
        staff.thread.join(10)
        assert staff.outcome == "currency_fixed"
        assert Event.objects.get().currency == Order.objects.get().currency == "EUR"


def test_an_order_that_is_being_placed_fixes_the_currency_for_a_file_too(alpha, monkeypatch):
    with in_tenant(alpha):
        event = make_event("Gala", external_id="gala", currency="EUR", timezone="UTC")
        kind = make_ticket_type(event, price_minor=0)
        text = f"external_id,title,starts_at,currency\ngala,Gala,{event.starts_at.isoformat()},USD\n"
        job = ready("events", text)
        done: dict[str, Any] = {}
        file = Meanwhile(alpha, lambda: done.update(job=services.apply(job)))
        claim = lifecycle.claim_places

        def slowly(*given: Any) -> None:
            file()
            claim(*given)

        monkeypatch.setattr(lifecycle, "claim_places", slowly)
        make_order(kind)
        file.thread.join(10)
        assert file.outcome == "ok"
        assert Event.objects.get().currency == Order.objects.get().currency == "EUR"
        assert [one["code"] for one in done["job"].errors] == ["currency_fixed"]
