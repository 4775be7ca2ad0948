"""What somebody bought at several tenants, in one place: a copy that the outbox keeps (citus.md, rule 12)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from shared_apps.people.models import BoughtOrder, BoughtPlace
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

ADA = "ada@example.test"


@pytest.fixture
def ada(db):
    return make_user(ADA, name="Ada")


@pytest.fixture
def bought(alpha, beta, ada, deliver):
    """Two tickets at alpha, paid; one place at beta, unpaid; a past event; and others' orders beside them."""
    with in_tenant(alpha):
        ticket_type = make_ticket_type(make_event("Night of Strings"), price_minor=2500)
        strings = make_paid_order(ticket_type, quantity=2, email=ADA, user=ada)
        make_paid_order(ticket_type)
        past = make_event("Long Ago", starts_at=timezone.now() + timedelta(days=1))
        gone = make_paid_order(make_ticket_type(past), email=ADA, user=ada)
    with in_tenant(beta):
        open_day = make_order(make_ticket_type(make_event("Open Day", starts_at=timezone.now() + timedelta(days=2))),
                              email=ADA, user=ada)  # fmt: skip
    deliver(alpha, beta)
    with in_tenant(alpha):
        type(past).objects.filter(pk=past.pk).update(starts_at=timezone.now() - timedelta(days=3))
        from tenant_apps.activity.services import record

        record("event.updated", past)
    deliver(alpha)
    return strings, gone, open_day


def results(client, path):
    answer = client.get(f"/api/v1/me/{path}/")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


@pytest.mark.parametrize("on_a_tenants_host", [False, True])
def test_orders_tickets_and_events_of_all_tenants_stand_in_one_list(
    alpha, beta, ada, bought, client_for, on_a_tenants_host
):
    strings, gone, open_day = bought
    client = client_for(alpha if on_a_tenants_host else None, ada)
    listed = results(client, "orders")
    assert [row["code"] for row in listed] == [open_day.code, gone.code, strings.code]
    assert listed[0]["tenant"] == {"slug": "beta", "name": "Beta", "host": "beta.localhost"}
    assert listed[0]["status"] == "pending" and "secret" not in listed[0]
    tickets = results(client, "tickets")
    assert [(row["order"], row["tenant"]["slug"]) for row in tickets] == [
        (strings.code, "alpha"), (strings.code, "alpha"), (gone.code, "alpha")
    ]  # fmt: skip
    assert all(row["code"] for row in tickets)
    ahead = results(client, "upcoming-events")
    assert [(row["title"], row["tenant"]["slug"]) for row in ahead] == [
        ("Open Day", "beta"),
        ("Night of Strings", "alpha"),
    ]


def test_a_stranger_sees_nothing_and_nobody_is_asked_to_sign_in(bought, client_for):
    for path in ("orders", "tickets", "upcoming-events"):
        assert results(client_for(None, make_user()), path) == []
        assert client_for().get(f"/api/v1/me/{path}/").status_code == 401


def test_older_clients_find_the_events_ahead_on_the_platforms_host_too(ada, bought, client_for):
    for path in ("/api/v1/events/my_upcoming_events/", "/api/events/my_upcoming_events/"):
        assert [row["title"] for row in client_for(None, ada).get(path).json()["results"]] == [
            "Open Day",
            "Night of Strings",
        ]


def test_long_lists_come_in_pages(alpha, beta, ada, bought, client_for):
    client = client_for(None, ada)
    first = client.get("/api/v1/me/orders/?page_size=2").json()
    assert len(first["results"]) == 2 and first["next"]
    second = client.get(first["next"]).json()
    assert [row["code"] for row in second["results"]] == [bought[0].code] and second["next"] is None
    assert client.get("/api/v1/me/tickets/?page_size=2&page=2").json()["count"] == 3
    assert len(client.get("/api/v1/me/upcoming-events/?page_size=1").json()["results"]) == 1
    assert client.get("/api/v1/me/orders/?page_size=1000").status_code == 400


def test_what_a_guest_bought_is_theirs_once_the_address_is_confirmed(alpha, deliver, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email="Guest@Example.test")
    deliver(alpha)
    assert "guest@" not in str(list(BoughtOrder.objects.values())).lower(), "the copy is no list of addresses"
    guest = make_user("guest@example.test", confirmed=False)
    assert results(client_for(None, guest), "orders") == []
    guest.email_verified_at = timezone.now()
    guest.save()
    assert [row["code"] for row in results(client_for(None, guest), "orders")] == [order.code]


def test_a_corrected_address_moves_a_guests_order(alpha, deliver, client_for):
    from tenant_apps.orders.services import change_contact

    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email="typo@example.test")
        change_contact(order, actor=owner_of(alpha), email="right@example.test")
    deliver(alpha)
    assert results(client_for(None, make_user("typo@example.test")), "orders") == []
    assert len(results(client_for(None, make_user("right@example.test")), "tickets")) == 1


def test_what_is_cancelled_or_expired_is_ahead_no_more(alpha, beta, ada, bought, deliver, client_for):
    from tenant_apps.orders.services import cancel, expire_overdue

    with in_tenant(alpha):
        cancel(bought[0], by_staff=True)
    with in_tenant(beta):
        expire_overdue(now=timezone.now() + timedelta(days=1))
    deliver(alpha, beta)
    client = client_for(None, ada)
    assert results(client, "upcoming-events") == []
    assert [row["status"] for row in results(client, "orders")] == ["expired", "paid", "cancelled"]


def test_a_suspended_tenants_orders_are_left_out_until_it_is_back(alpha, beta, ada, bought, client_for):
    from tenants.provisioning import resume, suspend

    suspend(beta)
    assert {row["tenant"]["slug"] for row in results(client_for(None, ada), "orders")} == {"alpha"}
    resume(beta)
    assert {row["tenant"]["slug"] for row in results(client_for(None, ada), "orders")} == {"alpha", "beta"}


def test_messages_that_come_twice_and_in_any_order_lead_to_the_same_copy(alpha, ada, bought):
    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.orders.footprints import keep_footprint

    before = sorted(map(str, [*BoughtOrder.objects.values_list(), *BoughtPlace.objects.values_list()]))
    with in_tenant(alpha):
        for message in OutboxMessage.objects.filter(topic__startswith="order.").order_by("-created_at"):
            keep_footprint(message)
    assert sorted(map(str, [*BoughtOrder.objects.values_list(), *BoughtPlace.objects.values_list()])) == before


def test_the_checker_finds_each_kind_of_difference_and_the_rebuild_mends_it(alpha, beta, ada, bought, capsys):
    call_command("check_projection")
    whole = sorted(map(str, BoughtPlace.objects.values_list("tenant", "line_id", "ticket_id", "user", "starts_at")))
    BoughtOrder.objects.filter(order_id=bought[0].pk).delete()
    BoughtPlace.objects.filter(order_id=bought[1].pk).update(starts_at=timezone.now())
    BoughtOrder.objects.filter(order_id=bought[2].pk).update(user=make_user())
    BoughtOrder.objects.create(tenant=beta, order_id="018f0000-0000-7000-8000-000000000000", placed_at=timezone.now())
    with pytest.raises(SystemExit) as ended:
        call_command("check_projection")
    told = capsys.readouterr().out
    assert ended.value.code == 1
    for order, words in zip(bought, ("missing in the copy", "its places are others", "whose it is"), strict=True):
        assert f"{order.pk}: {words}" in told
    assert "there is no such order" in told and told.count("order ") >= 4
    call_command("rebuild_footprints")
    call_command("check_projection")
    assert (
        sorted(map(str, BoughtPlace.objects.values_list("tenant", "line_id", "ticket_id", "user", "starts_at")))
        == whole
    )


def test_a_page_costs_the_same_statements_however_many_orders_there_are(
    alpha, beta, ada, bought, client_for, deliver, django_assert_max_num_queries
):
    client = client_for(None, ada)
    with django_assert_max_num_queries(40):
        results(client, "orders")
    with in_tenant(alpha):
        ticket_type = make_ticket_type()
        for _ in range(10):
            make_paid_order(ticket_type, email=ADA, user=ada)
    deliver(alpha)
    with django_assert_max_num_queries(40):
        assert len(results(client, "orders")) == 13
