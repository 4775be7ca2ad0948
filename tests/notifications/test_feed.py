"""What a person was told here: on their page, beside the bell, and over the API; nobody else's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.models import Notification
from tenant_apps.notifications.sending import Notice, notify, notify_many
from tenant_apps.notifications.topics import Recipient
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user


def tell(tenant, user, key="k", title="Gala"):
    with in_tenant(tenant):
        to = Recipient(user_id=user.pk, email=user.email, name="Ada")
        notify("event.changed", to, {"event": title, "changes": "New place"}, key=key, url="/events/gala/")


def test_a_person_reads_what_they_were_told_newest_first_and_marks_it_read(alpha, client_for):
    ada = make_user()
    tell(alpha, ada, "one", "Gala")
    tell(alpha, ada, "two", "Ball")
    client = client_for(alpha, ada)
    newest, oldest = client.get("/api/v1/notifications/").json()["results"]
    assert newest["title"] == "What is new: Ball" and newest["url"] == "/events/gala/" and newest["read_at"] is None
    assert set(newest) == {"id", "topic", "title", "body", "url", "created_at", "read_at"}
    assert client.get("/api/v1/notifications/unread/").json() == {"unread": 2}
    first = client.post(f"/api/v1/notifications/{oldest['id']}/read/").json()["read_at"]
    assert first and client.post(f"/api/v1/notifications/{oldest['id']}/read/").json()["read_at"] == first
    assert client.post("/api/v1/notifications/read-all/").json() == {"unread": 0}


def test_pages_by_cursor_lose_nothing(alpha, client_for):
    ada = make_user()
    with in_tenant(alpha):
        to = Recipient(user_id=ada.pk, email=ada.email)
        notify_many("event.changed", [Notice(to, {"event": str(n)}, f"k{n}") for n in range(7)])
    client, seen, path = client_for(alpha, ada), [], "/api/v1/notifications/?page_size=3"
    while path:
        page = client.get(path).json()
        seen += [each["id"] for each in page["results"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 7


def test_nobody_reads_or_marks_anothers_and_another_tenant_shows_nothing(alpha, beta, client_for, page_for):
    ada, eve = make_user(), make_user()
    tell(alpha, ada)
    with in_tenant(alpha):
        pk = Notification.objects.get().pk
    for client in (client_for(alpha, eve), client_for(beta, ada)):
        assert client.get("/api/v1/notifications/").json()["results"] == []
        assert client.post(f"/api/v1/notifications/{pk}/read/").status_code == 404
        client.post("/api/v1/notifications/read-all/")
    assert page_for(alpha, eve).get(f"/account/notices/{pk}/").status_code == 404
    with in_tenant(alpha):
        assert Notification.objects.get().read_at is None


def test_the_page_lists_and_opening_one_reads_it(alpha, page_for):
    ada = make_user()
    tell(alpha, ada)
    page = page_for(alpha, ada)
    assert "1" in page.get("/account/notices/count/").content.decode()
    assert "What is new: Gala" in page.get("/account/notices/").content.decode()
    with in_tenant(alpha):
        pk = Notification.objects.get().pk
    assert "New place" in page.get(f"/account/notices/{pk}/").content.decode()
    assert page.get("/account/notices/count/").content.decode().strip() == ""
    tell(alpha, ada, "again")
    assert page.post("/account/notices/read-all/").status_code == 302
    with in_tenant(alpha):
        assert not Notification.objects.filter(read_at=None).exists()


def test_the_bell_costs_a_page_no_statement(alpha, page_for):
    ada = make_user()
    page = page_for(alpha, ada)
    page.get("/events/")
    with CaptureQueriesContext(connection) as asked:
        answer = page.get("/events/")
    assert "/account/notices/count/" in answer.content.decode()
    assert not [each for each in asked.captured_queries if "notifications_" in each["sql"]]


def test_the_same_key_tells_once_even_long_after(alpha, mailoutbox):
    ada = make_user()
    tell(alpha, ada)
    with in_tenant(alpha):
        deliver_due()
        OutboxMessage.objects.all().delete()  # as retention does after two weeks
    tell(alpha, ada)
    with in_tenant(alpha):
        deliver_due()
        assert Notification.objects.count() == 1
    assert len(mailoutbox) == 1


def test_what_is_rolled_back_tells_nobody(alpha):
    from django.db import transaction

    ada = make_user()
    with in_tenant(alpha), pytest.raises(ZeroDivisionError), transaction.atomic():
        notify("event.changed", Recipient(user_id=ada.pk, email=ada.email), {}, key="k")
        raise ZeroDivisionError
    with in_tenant(alpha):
        assert not Notification.objects.exists()
        assert not OutboxMessage.objects.filter(topic__startswith="notify.").exists()


def test_an_order_is_in_its_buyers_feed_with_the_way_to_it(alpha, client_for):
    ada = make_user()
    with in_tenant(alpha):
        order = make_order(make_ticket_type(make_event("Gala"), price_minor=0), user=ada, email=ada.email)
        deliver_due()
    told = client_for(alpha, ada).get("/api/v1/notifications/").json()["results"]
    assert [(each["topic"], each["title"]) for each in told] == [("order.paid", "Your ticket for Gala")]
    assert told[0]["url"] == f"/orders/{order.code}/{order.secret}/"
