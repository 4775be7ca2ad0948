"""What a plan allows is refused where it would be exceeded, with the way to a larger one; never twice the last one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.billing import limits, requests
from tenant_apps.events.models import Event
from tenant_apps.events.services import create_event
from tenant_apps.imports.models import ImportJob
from tenant_apps.imports.running import run
from tenant_apps.imports.services import RESOURCES, start
from tenant_apps.orders.models import Order
from tenant_apps.staff.models import Invitation
from tenants.context import in_tenant
from tests.billing.plans import allow
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of
from tests.pictures import picture_file

API = "/api/v1"
AT = "2031-05-01T20:00"


def told(answer):
    body = answer.json()
    return answer.status_code, body["code"], body.get("name"), body.get("limit"), body.get("used")


def test_without_a_limit_nothing_is_asked(in_alpha):
    with CaptureQueriesContext(connection) as asked:
        for name in ("events", "staff", "tickets_month"):
            limits.require(name)
        limits.api_rate(in_alpha)
        limits.ticket_fee(in_alpha, "EUR")
    assert len(asked) == 0


def test_one_event_too_many_is_refused_by_the_api_and_the_page(alpha, client_for, page_for):
    allow(alpha, events=2)
    owner = client_for(alpha, owner_of(alpha))
    made = [owner.post(f"{API}/events/", {"title": "Gala", "starts_at": AT}) for _number in range(3)]
    assert [one.status_code for one in made] == [201, 201, 409]
    assert told(made[2]) == (409, "limit_reached", "events", 2, 2)
    assert made[2].json()["upgrade_url"].endswith("alpha.localhost/dashboard/billing/")
    slug = made[0].json()["slug"]
    assert told(owner.post(f"{API}/events/{slug}/duplicate/", {"starts_at": AT})) == (
        409,
        "limit_reached",
        "events",
        2,
        2,
    )
    page = page_for(alpha, owner_of(alpha)).post(
        f"/dashboard/events/{slug}/duplicate/", {"starts_at_0": "2031-05-02", "starts_at_1": "20:00", "starts_at": AT}
    )
    text = page.content.decode()
    assert (
        page.status_code in (400, 409)
        and "Events at a time: your plan allows 2" in text
        and "/dashboard/billing/" in text
    )
    # What is over, called off or archived makes room.
    assert owner.post(f"{API}/events/{slug}/archive/").status_code == 200
    assert owner.post(f"{API}/events/", {"title": "Gala", "starts_at": AT}).status_code == 201


def test_an_import_takes_as_many_new_events_as_there_is_room_for(in_alpha):
    allow(in_alpha, events=3)
    make_event()
    rows = [f"e{number},Event {number},2031-05-0{number}T20:00" for number in range(1, 6)]
    job = start(
        resource="events", file_name="events.csv", content="\n".join(["external_id,title,starts_at", *rows]).encode(),
        actor=owner_of(in_alpha),
    )  # fmt: skip
    found = run(ImportJob.objects.get(pk=job.pk), RESOURCES["events"](owner_of(in_alpha)), apply=True)
    assert [(line, error.code) for line, error in found.errors] == [
        (4, "limit_reached"), (5, "limit_reached"), (6, "limit_reached"),
    ]  # fmt: skip
    assert Event.objects.count() == 1


def test_invitations_count_as_people_on_the_staff(alpha, client_for, page_for):
    allow(alpha, staff=2)
    owner = client_for(alpha, owner_of(alpha))
    role = owner.get(f"{API}/roles/").json()["results"][1]["id"]
    first = owner.post(f"{API}/staff/invitations/", {"email": "one@a.test", "role": role})
    assert first.status_code == 201
    refused = owner.post(f"{API}/staff/", {"email": "two@a.test", "role": role})
    assert told(refused) == (409, "limit_reached", "staff", 2, 2)
    page = page_for(alpha, owner_of(alpha)).post("/dashboard/staff/invite/", {"email": "two@a.test", "role": role})
    text = page.content.decode()
    assert "your plan allows 2" in text and 'href="' in text and "/dashboard/billing/" in text
    with in_tenant(alpha):
        # One that was never answered makes room, until it is sent again.
        Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert owner.post(f"{API}/staff/", {"email": "two@a.test", "role": role}).status_code == 202
    again = owner.post(f"{API}/staff/invitations/{first.json()['id']}/resend/")
    assert told(again) == (409, "limit_reached", "staff", 2, 2)


def test_pictures_fill_the_storage(alpha, client_for):
    with in_tenant(alpha):
        event = make_event()
    owner = client_for(alpha, owner_of(alpha))
    path = f"{API}/events/{event.slug}/media/"

    def add():
        return owner.post(path, {"image": picture_file("PNG", (60, 40)), "alt": "Hall"}, format="multipart")

    first = add()
    assert first.status_code == 201
    with in_tenant(alpha):
        used = limits.used(alpha)["storage_bytes"]
    assert used > 100
    allow(alpha, storage_bytes=used + 10)
    refused = add()
    assert told(refused) == (409, "limit_reached", "storage_bytes", used + 10, used)
    # No file of the refused one is left behind, and one that goes makes room.
    with in_tenant(alpha):
        assert limits.used(alpha)["storage_bytes"] == used
    assert owner.delete(f"{path}{first.json()['id']}/").status_code == 204
    assert add().status_code == 201


def test_the_month_has_so_many_paid_tickets_and_buyers_learn_nothing_of_the_plan(alpha, client_for):
    allow(alpha, tickets_month=3)
    with in_tenant(alpha):
        kind, free = make_ticket_type(make_event()), make_ticket_type(make_event(), price_minor=0)
        make_paid_order(kind, quantity=2)
    anyone = client_for(alpha)

    def buy(ticket_type, quantity):
        body = {
            "email": "b@b.test",
            "provider": "manual",
            "lines": [{"ticket_type": ticket_type.pk, "quantity": quantity}],
        }
        return anyone.post(
            f"{API}/orders/", body, format="json", headers={"Idempotency-Key": f"{ticket_type}{quantity}"}
        )

    refused = buy(kind, 2)
    assert (refused.status_code, refused.json()["code"]) == (409, "sales_paused")
    assert "limit" not in refused.json() and "plan" not in refused.json()["detail"].lower()
    assert buy(free, 5).status_code == 201
    assert buy(kind, 1).status_code == 201  # being paid: it counts
    assert buy(kind, 1).status_code in (201, 409)
    with in_tenant(alpha):
        assert limits.used(alpha)["tickets_month"] == 3
        # Who is not paying any more makes room, and so does another month.
        Order.objects.filter(status="pending").update(expires_at=timezone.now() - timedelta(minutes=1))
        assert limits.used(alpha)["tickets_month"] == 2
        Order.objects.update(created_at=limits.month_begins() - timedelta(seconds=1))
        assert limits.used(alpha)["tickets_month"] == 0
        make_order(kind, quantity=3)


def test_while_a_payment_is_missing_sales_go_on_and_nothing_is_added(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event())
    allow(alpha, restricted=True)
    owner = client_for(alpha, owner_of(alpha))
    refused = owner.post(f"{API}/events/", {"title": "Gala", "starts_at": AT})
    assert told(refused) == (409, "payment_missing", "events", 0, 1)
    role = owner.get(f"{API}/roles/").json()["results"][1]["id"]
    assert owner.post(f"{API}/staff/", {"email": "two@a.test", "role": role}).json()["code"] == "payment_missing"
    with in_tenant(alpha):
        assert make_paid_order(kind).status == "paid"
    assert owner.patch(f"{API}/events/{kind.event.slug}/", {"title": "Renamed"}).status_code == 200


def test_a_crowd_at_one_tenants_api_waits_and_keeps_nobody_else_out(alpha, beta, client_for, settings, monkeypatch):
    """100 callers at full rate are 60,000 requests a minute; here 2 with 5 each."""
    monkeypatch.setattr(requests, "_crowded_until", {})
    requests.tell()
    monkeypatch.setattr(requests, "TELL_EVERY", 0.0)
    minute = int(requests.time()) + 10**9  # one of this test's own
    monkeypatch.setattr(requests, "time", lambda: minute // 60 * 60 + 5.0)
    settings.TENANT_CALLERS = 2
    allow(alpha, api_rate=5)
    seen = []
    for number in range(13):  # each from another network
        stranger = client_for(alpha, REMOTE_ADDR=f"10.{number}.0.1")
        seen.append(stranger.get(f"{API}/cart/"))
    assert [one.status_code for one in seen[:10]] == [200] * 10
    assert (seen[12].status_code, seen[12].json()["code"]) == (429, "rate_limited")
    assert 1 <= int(seen[12]["Retry-After"]) <= 60
    # Who is signed in is let in, and so is everybody at the neighbour's.
    assert client_for(alpha, owner_of(alpha)).get(f"{API}/settings/").status_code == 200
    assert client_for(beta, REMOTE_ADDR="10.12.0.1").get(f"{API}/cart/").status_code == 200
    # The next minute.
    monkeypatch.setattr(requests, "_crowded_until", {alpha.pk: requests.monotonic() - 1})
    monkeypatch.setattr(requests, "time", lambda: minute // 60 * 60 + 65.0)
    assert client_for(alpha, REMOTE_ADDR="10.12.0.1").get(f"{API}/cart/").status_code == 200


def test_own_domains_count_and_the_subdomain_does_not(alpha):
    from tenants.models import Domain

    assert limits.used(alpha)["domains"] == 0
    with pytest.raises(limits.LimitReached):
        limits.require("domains", tenant=alpha)
    allow(alpha, domains=1)
    limits.require("domains", tenant=alpha)
    Domain.objects.create(domain="tickets.alpha.example", tenant=alpha)
    with pytest.raises(limits.LimitReached) as refused:
        limits.require("domains", tenant=alpha)
    assert (refused.value.limit, refused.value.used) == (1, 1)


@pytest.mark.usefixtures("transactional_db")
def test_of_many_at_once_no_more_get_in_than_there_is_room_for(alpha):
    allow(alpha, events=3)
    owner = make_user()

    def make(number):
        try:
            with in_tenant("t_alpha"):
                create_event(actor=owner, title=f"Event {number}", starts_at=AT)
            return "made"
        except limits.LimitReached as refused:
            return refused.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(make, range(9)))
    assert found == ["limit_reached"] * 6 + ["made"] * 3
    with in_tenant(alpha):
        assert Event.objects.count() == 3
