"""Everybody's money back, through the API and the pages."""

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events.grants import grant
from tenant_apps.payments.models import MassRefund
from tenant_apps.payments.tasks import mass_refund
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of
from tests.pages.test_dashboard import text_of


def sold(tenant, count=2):
    with in_tenant(tenant):
        kind = make_ticket_type(make_event("Gala"), price_minor=2500)
        return kind.event, [make_paid_order(kind) for _ in range(count)]


def work(tenant):
    with in_tenant(tenant):
        deliver_due()
        for run in MassRefund.objects.filter(status="running"):
            mass_refund(str(run.pk))


def status(tenant, order):
    with in_tenant(tenant):
        order.refresh_from_db()
        return order.status, order.refunded_minor


def test_cancelling_an_event_over_http_sends_everybody_s_money_back(alpha, client_for):
    event, orders = sold(alpha)
    client = client_for(alpha, owner_of(alpha))
    assert client.post(f"/api/v1/events/{event.slug}/cancel/", {"reason": "Storm"}).status_code == 200
    work(alpha)
    (run,) = client.get(f"/api/v1/events/{event.slug}/refunds/").json()["results"]
    assert (run["status"], run["reason"], run["progress"]["done"], run["progress"]["total"]) == ("done", "Storm", 2, 2)
    assert run["amounts"] == [{"currency": "EUR", "promised": "50.00", "refunded": "50.00"}]
    assert client.get(f"/api/v1/events/{event.slug}/refunds/{run['id']}/").json()["failures"] == []
    assert [status(alpha, order) for order in orders] == [("cancelled", 2500)] * 2
    again = client.post(f"/api/v1/events/{event.slug}/cancel/")
    assert again.status_code == 200
    work(alpha)
    assert client.get(f"/api/v1/events/{event.slug}/refunds/").json()["count"] == 1


def test_it_can_be_left_out_and_done_later(alpha, client_for):
    event, orders = sold(alpha, 1)
    client = client_for(alpha, owner_of(alpha))
    early = client.post(f"/api/v1/events/{event.slug}/refunds/")
    assert (early.status_code, early.json()["code"]) == (409, "event_still_on")
    client.post(f"/api/v1/events/{event.slug}/cancel/", {"refund": False})
    work(alpha)
    assert status(alpha, orders[0]) == ("paid", 0)
    started = client.post(f"/api/v1/events/{event.slug}/refunds/", {"reason": "Later"})
    assert (started.status_code, started.json()["progress"]["waiting"]) == (202, 1)
    twice = client.post(f"/api/v1/events/{event.slug}/refunds/")
    assert twice.json()["id"] == started.json()["id"]
    work(alpha)
    assert status(alpha, orders[0]) == ("cancelled", 2500)
    retried = client.post(f"/api/v1/events/{event.slug}/refunds/{started.json()['id']}/retry/")
    assert (retried.status_code, retried.json()["status"]) == (202, "done")


def test_whoever_may_not_give_money_back_cancels_without(alpha, client_for):
    event, orders = sold(alpha, 1)
    planner = make_user()
    with in_tenant(alpha):
        grant(event, planner, "change_event", actor=None)
    client = client_for(alpha, planner)
    assert client.post(f"/api/v1/events/{event.slug}/cancel/", {"refund": True}).status_code == 403
    assert client.post(f"/api/v1/events/{event.slug}/cancel/").status_code == 200
    work(alpha)
    assert status(alpha, orders[0]) == ("paid", 0)
    assert client.post(f"/api/v1/events/{event.slug}/refunds/").status_code == 403


def test_another_event_s_run_is_not_there(alpha, client_for):
    event, _orders = sold(alpha, 1)
    other, _more = sold(alpha, 1)
    client = client_for(alpha, owner_of(alpha))
    client.post(f"/api/v1/events/{event.slug}/cancel/", {"refund": False})
    run = client.post(f"/api/v1/events/{event.slug}/refunds/").json()["id"]
    assert client.get(f"/api/v1/events/{other.slug}/refunds/{run}/").status_code == 404
    assert client.post(f"/api/v1/events/{other.slug}/refunds/{run}/retry/").status_code == 404


def test_the_pages_cancel_start_follow_and_repeat(alpha, page_for, monkeypatch):
    from tenant_apps.payments.providers.base import ProviderRefused
    from tenant_apps.payments.providers.manual import ManualProvider

    event, orders = sold(alpha)
    page = page_for(alpha, owner_of(alpha))
    here, there = f"/dashboard/events/{event.slug}/", f"/dashboard/money/events/{event.slug}/"
    assert "Send everybody's money back" in text_of(page.get(here)).replace("&#x27;", "'")
    page.post(f"{here}cancel/", {"refund": "1", "reason": "Storm"})
    with in_tenant(alpha):
        deliver_due()
    running = page.get(there).content.decode()
    assert 'hx-trigger="every 1s"' in running and "The money is being sent back" in running

    def refuse(self, refund):
        raise ProviderRefused("no money left")

    monkeypatch.setattr(ManualProvider, "refund", refuse)
    work(alpha)
    failed = text_of(page.get(there))
    assert "Done, but for what failed" in failed and "no money left" in failed and orders[0].code in failed
    monkeypatch.undo()
    with in_tenant(alpha):
        run = MassRefund.objects.get()
    page.post(f"{there}{run.pk}/repeat/")
    work(alpha)
    done = page.get(there).content.decode()
    assert "Everybody has their money back" in done and 'hx-trigger="every 1s"' not in done
    assert [status(alpha, order) for order in orders] == [("cancelled", 2500)] * 2


def test_the_page_starts_one_for_a_postponed_event_only_when_asked(alpha, page_for):
    event, orders = sold(alpha, 1)
    page = page_for(alpha, owner_of(alpha))
    here = f"/dashboard/money/events/{event.slug}/"
    assert "This event takes place" in text_of(page.get(here))
    assert "only for an event that is cancelled or postponed" in text_of(page.post(here, follow=True))
    with in_tenant(alpha):
        type(event).objects.filter(pk=event.pk).update(status="postponed")
    assert "1 order has places at this event." in text_of(page.get(here))
    page.post(here, {"reason": "New day does not suit"})
    work(alpha)
    assert status(alpha, orders[0]) == ("cancelled", 2500)
