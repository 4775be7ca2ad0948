"""How background work stands, on a page and over HTTP: for who sets up the site, in words, with a way to try again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.activity.standing import reason, standing
from tenants.context import in_tenant
from tests.factories import make_user, owner_of

API = "/api/v1/background-work/"
PAGE = "/dashboard/background/"
REFUSED = "smtplib.SMTPRecipientsRefused: {'x@y.z': (550, b'no such user')}"


def write(**fields: Any) -> OutboxMessage:
    return OutboxMessage.objects.create(topic="order.resend", aggregate="orders.order:1", **fields)


@pytest.fixture
def busy(alpha: Any) -> dict[str, OutboxMessage]:
    """An outbox with something of everything."""
    now = timezone.now()
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        return {
            "late": write(queue="urgent", due_at=now - timedelta(seconds=300)),
            "failed": write(queue="urgent", tries=2, due_at=now + timedelta(minutes=5), last_error="TimeoutError"),
            "new": write(queue="bulk"),
            "sent": write(queue="urgent", delivered_at=now - timedelta(seconds=10)),
            "sent_before": write(queue="urgent", delivered_at=now - timedelta(minutes=30)),
            "sent_long_ago": write(queue="urgent", delivered_at=now - timedelta(hours=2)),
            "parked": write(tries=10, parked_at=now - timedelta(hours=1), last_error=REFUSED),
            "parked_too": write(tries=10, parked_at=now, last_error="KeyError: 'name'"),
        }


def test_the_figures_count_what_waits_how_late_it_is_and_what_left(alpha: Any, busy: Any, client_for: Any) -> None:
    answer = client_for(alpha, owner_of(alpha)).get(API)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["pending"], told["parked"], told["late"]) == (3, 2, True)
    urgent, default, bulk = told["queues"]
    assert (urgent["queue"], urgent["pending"], urgent["failing"]) == ("urgent", 2, 1)
    assert 299 <= urgent["lag_seconds"] <= 310
    assert (urgent["last_minute"], urgent["last_hour"]) == (1, 2)
    assert (default["pending"], default["lag_seconds"]) == (0, 0)
    assert bulk["pending"] == 1
    assert told["delivered_per_minute"] == 0.0


def test_a_quiet_outbox_is_not_late(in_alpha: Any) -> None:
    OutboxMessage.objects.all().delete()
    now = standing()
    assert (now.pending, now.lag_seconds, now.is_late, now.parked) == (0, 0, False, 0)


def test_the_figures_cost_three_statements(in_alpha: Any, busy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        standing()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (REFUSED, "The address was refused"),
        ("m.f: SMTPAuthenticationError: (535, b'no')", "user name and password"),
        ("m.f: ConnectionRefusedError: [Errno 111]", "did not take it"),
        ("m.f: TimeoutError: timed out", "did not answer in time"),
        ("m.f: DoesNotExist: Order matching query does not exist.", "is not there any more"),
        ("Every try ended with the death of its worker.", "broken off from outside"),
        ("m.f: KeyError: 'name'", "A fault of the program"),
    ],
)
def test_the_reason_is_said_in_words(error: str, words: str) -> None:
    assert words in str(reason(OutboxMessage(last_error=error)))


def test_what_was_given_up_is_listed_newest_first_with_its_reason(alpha: Any, busy: Any, client_for: Any) -> None:
    found = client_for(alpha, owner_of(alpha)).get(f"{API}parked/").json()["results"]
    assert [each["id"] for each in found] == [str(busy["parked_too"].pk), str(busy["parked"].pk)]
    assert found[1]["reason"] == "The address was refused by the receiving side."
    assert found[1]["error"] == REFUSED


def test_one_is_tried_again_and_the_trail_tells_who_wanted_it(alpha: Any, busy: Any, client_for: Any) -> None:
    owner = client_for(alpha, owner_of(alpha))
    address = f"{API}parked/{busy['parked'].pk}/retry/"
    assert owner.post(address).json() == {"retried": 1}
    with in_tenant(alpha):
        again = OutboxMessage.objects.get(pk=busy["parked"].pk)
        assert (again.parked_at, again.tries) == (None, 0)
        entry = AuditEntry.objects.get(topic="outbox.retried")
        assert entry.actor_id == owner_of(alpha).pk
    assert owner.post(address).json()["code"] == "not_parked"
    assert owner.post(f"{API}parked/{busy['late'].pk}/retry/").status_code == 409
    assert owner.post(f"{API}parked/{uuid4()}/retry/").status_code == 404


def test_all_are_tried_again_or_all_of_a_topic(alpha: Any, busy: Any, client_for: Any) -> None:
    owner = client_for(alpha, owner_of(alpha))
    assert owner.post(f"{API}parked/retry/", {"topic": "order.paid"}, format="json").json() == {"retried": 0}
    assert owner.post(f"{API}parked/retry/", {}, format="json").json() == {"retried": 2}
    assert owner.get(f"{API}parked/").json()["results"] == []


def test_it_is_nobodys_business_but_of_who_sets_up_the_site(alpha: Any, beta: Any, busy: Any, client_for: Any) -> None:
    assert client_for(alpha).get(API).status_code == 401
    assert client_for(alpha, make_user()).get(API).status_code == 403
    assert client_for(beta, owner_of(alpha)).get(API).status_code in (403, 404)
    neighbour = client_for(beta, owner_of(beta))
    assert neighbour.get(f"{API}parked/").json()["results"] == []
    assert neighbour.post(f"{API}parked/{busy['parked'].pk}/retry/").status_code == 404


def test_the_page_shows_it_all_and_tries_again(alpha: Any, busy: Any, page_for: Any) -> None:
    page = page_for(alpha, owner_of(alpha))
    shown = page.get(PAGE).content.decode()
    assert "2 messages were given up after ten tries" in shown
    assert "The address was refused by the receiving side." in shown
    assert "550" in shown  # the details
    one = page.post(f"{PAGE}{busy['parked'].pk}/retry/", follow=True).content.decode()
    assert "The message is tried again." in one
    assert "1 message was given up after ten tries" in one
    twice = page.post(f"{PAGE}{busy['parked'].pk}/retry/", follow=True).content.decode()
    assert "This message is not parked any more." in twice
    rest = page.post(f"{PAGE}retry/", follow=True).content.decode()
    assert "1 message is tried again." in rest
    assert "Nothing was given up" in rest
    assert "Messages are late" in rest


def test_the_menu_leads_there(alpha: Any, page_for: Any) -> None:
    assert PAGE in page_for(alpha, owner_of(alpha)).get("/dashboard/").content.decode()
