"""The way of the README: a free ticket is ordered, shown with its QR, admitted once, and refused the second time."""

from tenants.context import in_tenant
from tests.factories import PASSWORD, make_user, owner_of
from tests.journeys.http import Caller


def test_a_newcomer_sells_gives_out_and_scans_a_ticket(site, alpha):
    owner = owner_of(alpha)
    owner.set_password(PASSWORD)
    owner.save()
    manager, buyer = Caller(site, alpha), Caller(site, alpha)
    manager.sign_in(owner.email, PASSWORD)

    made = manager(
        "POST",
        "/api/v1/events/",
        {
            "title": "Summer concert",
            "starts_at": "2099-07-01T20:00:00+02:00",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
        },
    )
    assert made.status == 201, made.text
    slug = made.json["slug"]
    kind = manager("POST", f"/api/v1/events/{slug}/ticket-types/", {"name": "Lawn", "price": "0.00"})
    assert kind.status == 201, kind.text
    quota = manager(
        "POST",
        f"/api/v1/events/{slug}/quotas/",
        {"name": "Lawn", "capacity": 1, "ticket_types": [kind.json["id"]]},
    )
    assert quota.status == 201, quota.text
    assert buyer("GET", f"/api/v1/events/{slug}/").status == 404
    assert manager("POST", f"/api/v1/events/{slug}/publish/").status == 200

    shown = buyer("GET", f"/api/v1/events/{slug}/")
    assert shown.status == 200
    assert shown.json["title"] == "Summer concert"
    placed = buyer(
        "POST",
        "/api/v1/orders/",
        {"email": "you@example.test", "lines": [{"ticket_type": kind.json["id"], "quantity": 1}]},
        Idempotency_Key="first",
    )
    assert placed.status == 201, placed.text
    order = placed.json
    page = buyer("GET", f"/orders/{order['code']}/{order['secret']}/")
    assert page.status == 200
    assert "<svg" in page.text
    assert "no-store" in page.headers["cache-control"]

    lists = manager("GET", f"/api/v1/events/{slug}/check-in-lists/").json["results"]
    scan = f"/api/v1/check-in-lists/{lists[0]['id']}/scan/"
    code = order["tickets"][0]["code"]
    assert buyer("POST", scan, {"code": code, "scan_id": "x"}).status == 401
    first = manager("POST", scan, {"code": code, "scan_id": "one"})
    assert first.json["result"] == "admitted", first.text
    again = manager("POST", scan, {"code": code, "scan_id": "two"})
    assert (again.json["result"], again.json["reason"]) == ("refused", "already_used")
    assert manager("POST", scan, {"code": code, "scan_id": "one"}).json["result"] == "admitted"
    with in_tenant(alpha):
        assert buyer("POST", "/api/v1/orders/", None).status in (400, 415)


def test_a_stranger_cannot_tell_a_neighbours_order_from_none(site, alpha, beta):
    make_user("curious@example.test")
    curious = Caller(site, beta)
    curious.sign_in("curious@example.test", PASSWORD)
    assert curious("GET", "/api/v1/orders/ACDEFGHJ/").status == 404
