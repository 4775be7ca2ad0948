"""Who was there says how it was: once, after the end, and may change it for some time."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.orders.passing_on import pass_on
from tenant_apps.reviews.models import Review
from tenant_apps.ticketing.models import Handover, Ticket
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_user, owner_of
from tests.reviews.making import came, night, over, scan_in, standing_of

BODY = {"rating": 4, "comment": "Wonderful strings."}


def reviews_of(event):
    return f"/api/v1/events/{event.slug}/reviews/"


@pytest.fixture
def gala(alpha):
    """An event that is over, and somebody who was there."""
    with in_tenant(alpha):
        kind = night("Gala")
        ada = came(kind)
        return over(kind), ada


def test_who_was_there_reviews_an_event_and_anybody_reads_it(alpha, gala, client_for):
    event, ada = gala
    answer = client_for(alpha, ada).post(reviews_of(event), BODY)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["rating"], told["status"], told["name"], told["proof"]) == (4, "published", "Ada L.", "ticket")
    assert answer["Location"] == f"/api/v1/reviews/{told['id']}/"
    with in_tenant(alpha):
        assert standing_of(event) == (1, 4.0)
    shown = client_for(alpha).get(reviews_of(event)).json()
    assert (shown["count"], shown["rating"], shown["reviews_count"]) == (1, "4.00", 1)
    assert shown["histogram"] == {"1": 0, "2": 0, "3": 0, "4": 1, "5": 0}
    assert shown["results"][0]["comment"] == "Wonderful strings." and "mine" not in shown
    assert not {"status", "user", "email"} & shown["results"][0].keys()
    assert client_for(alpha, ada).get(reviews_of(event)).json()["mine"]["id"] == told["id"]
    one = client_for(alpha).get(f"/api/v1/events/{event.slug}/").json()
    assert (one["rating"], one["reviews_count"]) == ("4.00", 1)


def test_a_second_review_of_the_same_event_is_refused(alpha, gala, client_for):
    event, ada = gala
    client = client_for(alpha, ada)
    assert client.post(reviews_of(event), BODY).status_code == 201
    answer = client.post(reviews_of(event), {"rating": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_reviewed")
    with in_tenant(alpha):
        assert standing_of(event) == (1, 4.0)


def test_an_event_is_not_reviewed_before_its_end(alpha, client_for):
    with in_tenant(alpha):
        kind = night()
        ada = came(kind)
    answer = client_for(alpha, ada).post(reviews_of(kind.event), BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_not_over")
    with in_tenant(alpha):
        now = timezone.now()
        Event.objects.update(starts_at=now - timedelta(hours=1), ends_at=now + timedelta(minutes=1))
    assert client_for(alpha, ada).post(reviews_of(kind.event), BODY).json()["code"] == "event_not_over"


def test_an_event_that_was_called_off_is_not_reviewed(alpha, client_for):
    with in_tenant(alpha):
        kind = night()
        ada = came(kind)
        event = over(kind, status="cancelled")
    answer = client_for(alpha, ada).post(reviews_of(event), BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_cancelled")
    with in_tenant(alpha):
        assert not Review.objects.exists()


def test_who_was_not_there_is_refused(alpha, gala, client_for):
    event, _ada = gala
    answer = client_for(alpha, make_user()).post(reviews_of(event), BODY)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_attended")
    assert client_for(alpha).post(reviews_of(event), BODY).status_code == 401
    # Nor is who runs the place.
    assert client_for(alpha, owner_of(alpha)).post(reviews_of(event), BODY).json()["code"] == "not_attended"


def test_where_somebody_was_scanned_only_who_was_scanned_reviews(alpha, client_for):
    with in_tenant(alpha):
        kind = night()
        inside, at_home = came(kind), came(kind)
        scan_in(kind, inside)
        event = over(kind)
    answer = client_for(alpha, inside).post(reviews_of(event), BODY)
    assert (answer.status_code, answer.json()["proof"]) == (201, "checked_in")
    assert client_for(alpha, at_home).post(reviews_of(event), BODY).json()["code"] == "not_attended"
    # Unless the organizer says that a ticket is enough.
    changed = client_for(alpha, owner_of(alpha)).patch("/api/v1/settings/", {"reviews_by": "holders"})
    assert changed.status_code == 200, changed.content
    assert client_for(alpha, at_home).post(reviews_of(event), BODY).status_code == 201


def test_where_only_scanned_people_count_a_ticket_is_not_enough(alpha, gala, client_for):
    event, ada = gala
    client_for(alpha, owner_of(alpha)).patch("/api/v1/settings/", {"reviews_by": "checked_in"})
    assert client_for(alpha, ada).post(reviews_of(event), BODY).json()["code"] == "not_attended"


@pytest.mark.parametrize("status", ["cancelled", "refunded", "revoked", "transferred"])
def test_a_ticket_that_is_good_no_more_speaks_for_nobody(alpha, gala, client_for, status):
    event, ada = gala
    with in_tenant(alpha):
        Ticket.objects.update(status=status)
    assert client_for(alpha, ada).post(reviews_of(event), BODY).json()["code"] == "not_attended"


def test_a_ticket_whose_time_is_over_does(alpha, gala, client_for):
    event, ada = gala
    with in_tenant(alpha):
        Ticket.objects.update(status="expired")
    assert client_for(alpha, ada).post(reviews_of(event), BODY).status_code == 201


def test_who_was_given_a_ticket_in_time_reviews_and_who_was_given_it_afterwards_does_not(alpha, client_for):
    early, late = make_user(), make_user()
    with in_tenant(alpha):
        kind = night()
        buyer = came(kind)
        ticket = make_paid_order(kind, user=buyer, email=buyer.email).lines.get().ticket
        pass_on(ticket, name="Grace", email=early.email)
        Handover.objects.update(at=timezone.now() - timedelta(days=1))
        event = over(kind, ago=timedelta(hours=1))
        after = Ticket.objects.get(event=event, holder_email=buyer.email, status="active")
        pass_on(after, name="Late", email=late.email, by_staff=True)
    assert client_for(alpha, early).post(reviews_of(event), BODY).status_code == 201
    assert client_for(alpha, late).post(reviews_of(event), BODY).json()["code"] == "not_attended"
    assert client_for(alpha, buyer).post(reviews_of(event), BODY).json()["code"] == "not_attended"


def test_one_ticket_carries_one_review(alpha, gala, client_for):
    """An account that took over the address of another finds that the ticket has spoken."""
    event, ada = gala
    assert client_for(alpha, ada).post(reviews_of(event), BODY).status_code == 201
    address = ada.email
    type(ada).objects.filter(pk=ada.pk).update(email="moved@example.test")
    heir = make_user(address)
    assert client_for(alpha, heir).post(reviews_of(event), BODY).json()["code"] == "not_attended"


def test_who_has_not_confirmed_their_address_proves_nothing_by_it(alpha, gala, client_for):
    event, ada = gala
    type(ada).objects.filter(pk=ada.pk).update(email_verified_at=None)
    assert client_for(alpha, ada).post(reviews_of(event), BODY).json()["code"] == "email_not_verified"


def test_an_author_changes_a_review_and_the_counters_follow(alpha, gala, client_for):
    event, ada = gala
    client = client_for(alpha, ada)
    path = client.post(reviews_of(event), BODY)["Location"]
    changed = client.patch(path, {"rating": 2})
    assert (changed.status_code, changed.json()["rating"], changed.json()["comment"]) == (200, 2, BODY["comment"])
    whole = client.put(path, {"rating": 5, "comment": "On second thought", "name": ""})
    assert (whole.json()["rating"], whole.json()["name"], bool(whole.json()["edited_at"])) == (5, "", True)
    with in_tenant(alpha):
        assert standing_of(event) == (1, 5.0)
        entry = AuditEntry.objects.filter(topic="review.changed").order_by("at").first()
        assert (entry.details["before"]["rating"], entry.details["after"]["rating"]) == (4, 2)
        assert "strings" not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert client_for(alpha, make_user()).patch(path, {"rating": 1}).status_code == 404
    assert client_for(alpha).patch(path, {"rating": 1}).status_code == 401


def test_after_some_time_a_review_stays_as_it_is_and_can_still_be_taken_back(alpha, gala, client_for):
    event, ada = gala
    client = client_for(alpha, ada)
    path = client.post(reviews_of(event), BODY)["Location"]
    with in_tenant(alpha):
        Review.objects.update(created_at=timezone.now() - timedelta(days=14, minutes=1))
    assert client.patch(path, {"rating": 1}).json()["code"] == "review_edit_closed"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404 and client.delete(path).status_code == 404
    with in_tenant(alpha):
        assert standing_of(event) == (0, None)
        assert Review.objects.get().comment == ""


def test_what_was_taken_back_can_be_written_anew(alpha, gala, client_for):
    event, ada = gala
    client = client_for(alpha, ada)
    path = client.post(reviews_of(event), BODY)["Location"]
    client.delete(path)
    again = client.post(reviews_of(event), {"rating": 3})
    assert (again.status_code, again["Location"]) == (201, path)
    with in_tenant(alpha):
        assert standing_of(event) == (1, 3.0)


def test_what_older_clients_send_comes_to_the_same(alpha, gala, client_for):
    event, ada = gala
    client = client_for(alpha, ada)
    first = client.post("/api/reviews/", {"event_id": event.pk, **BODY})
    assert first.status_code == 201, first.content
    assert client.post("/api/review/", {"event_id": event.pk, **BODY}).json()["code"] == "already_reviewed"
    assert client.get(f"/api/reviews/{event.pk}/").json()["results"][0]["id"] == first.json()["id"]
    # Stars given once more are other stars.
    rated = client.post(f"/api/events/{event.pk}/rate/", {"rating": 1})
    assert (rated.status_code, rated.json()["rating"], rated.json()["comment"]) == (200, 1, BODY["comment"])
    with in_tenant(alpha):
        assert standing_of(event) == (1, 1.0)
    assert client.post("/api/reviews/", {"event_id": 10**9, **BODY}).status_code == 400
    stranger = client_for(alpha, make_user())
    assert stranger.post(f"/api/events/{event.pk}/rate/", {"rating": 5}).json()["code"] == "not_attended"


def test_rating_is_only_for_the_past_and_only_for_who_took_part(alpha, gala, client_for):
    """The scenario of the booking platforms that this replaces."""
    with in_tenant(alpha):
        ahead = night("Ahead")
        bob = came(ahead)
    event, ada = gala
    assert client_for(alpha, bob).post(f"/api/events/{ahead.event.pk}/rate/", {"rating": 5}).status_code == 409
    assert client_for(alpha, bob).post(f"/api/events/{event.pk}/rate/", {"rating": 5}).status_code == 403
    assert client_for(alpha, ada).post(f"/api/events/{event.pk}/rate/", {"rating": 5}).status_code == 200


@pytest.mark.parametrize("rating", [0, 6, -1, 2.5, "five", None, True, [], 10**30])
def test_stars_are_one_to_five(alpha, gala, client_for, rating):
    event, ada = gala
    answer = client_for(alpha, ada).post(reviews_of(event), {"rating": rating})
    assert answer.status_code == 400, answer.content
    with in_tenant(alpha):
        assert not Review.objects.exists()


def test_what_is_too_long_is_refused(alpha, gala, client_for):
    event, ada = gala
    client = client_for(alpha, ada)
    assert client.post(reviews_of(event), {"rating": 5, "comment": "x" * 4001}).status_code == 400
    assert client.post(reviews_of(event), {"rating": 5, "comment": "x" * 1_100_000}).status_code == 413
    assert client.post(reviews_of(event), {"rating": 5, "name": "x" * 61}).status_code == 400
    assert client.post(reviews_of(event), {"rating": 5, "comment": "\x00"}).status_code == 400
    with in_tenant(alpha):
        assert not Review.objects.exists()


def test_nobody_writes_without_end(alpha, gala, client_for):
    event, _ada = gala
    client = client_for(alpha, make_user())
    codes = [client.post(reviews_of(event), BODY).status_code for _ in range(61)]
    assert codes == [403] * 60 + [429]


def test_a_person_sees_what_they_can_review_and_what_they_wrote(alpha, gala, client_for):
    event, ada = gala
    with in_tenant(alpha):
        kind = night("Second night")
        came(kind, ada)
        other = over(kind, ago=timedelta(minutes=1))
        came(night("Ahead"), ada)
    client = client_for(alpha, ada)
    found = client.get("/api/v1/reviews/to-write/").json()
    assert [each["slug"] for each in found["results"]] == [other.slug, event.slug]
    client.post(reviews_of(other), BODY)
    assert [each["slug"] for each in client.get("/api/v1/reviews/to-write/").json()["results"]] == [event.slug]
    assert [each["event"] for each in client.get("/api/v1/reviews/mine/").json()["results"]] == [other.slug]
    assert client_for(alpha, make_user()).get("/api/v1/reviews/to-write/").json()["count"] == 0


def test_reviews_are_listed_in_the_order_that_is_asked_for(alpha, client_for):
    with in_tenant(alpha):
        kind = night()
        people = [came(kind) for _ in range(3)]
        event = over(kind)
    for person, rating in zip(people, (5, 1, 3), strict=True):
        assert client_for(alpha, person).post(reviews_of(event), {"rating": rating}).status_code == 201
    client = client_for(alpha)

    def ratings(query):
        return [each["rating"] for each in client.get(f"{reviews_of(event)}{query}").json()["results"]]

    assert (
        ratings("") == [3, 1, 5] and ratings("?ordering=best") == [5, 3, 1] and ratings("?ordering=worst") == [1, 3, 5]
    )
    assert ratings("?rating=1") == [1]
    for wrong in ("?rating=6", "?rating=x", "?ordering=user", "?search=x"):
        assert client.get(f"{reviews_of(event)}{wrong}").status_code == 400, wrong


def test_a_review_is_told_to_programs_without_its_words(alpha, gala, client_for):
    event, ada = gala
    client_for(alpha, ada).post(reviews_of(event), BODY)
    with in_tenant(alpha):
        message = OutboxMessage.objects.get(topic="review.written")
        assert message.payload == {"status": "published"}


def test_a_review_that_is_not_there_is_not_there(alpha, client_for, gala):
    client, path = client_for(alpha, gala[1]), f"/api/v1/reviews/{uuid4()}/"
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert client.put(path, {"rating": 1}).status_code == client.patch(path, {"rating": 1}).status_code == 404


def test_the_words_of_who_is_erased_are_gone_and_the_stars_stay(alpha, gala, client_for):
    from shared_apps.core import personal
    from shared_apps.core.personal import Person

    event, ada = gala
    client_for(alpha, ada).post(reviews_of(event), BODY)
    person = Person(user_id=ada.pk, email=ada.email, alias="x@erased.invalid")
    with in_tenant(alpha):
        (held,) = [each for each in personal.holdings({"reviews"}) if each.title == "reviews"]
        assert [row["comment"] for row in held.export(person)] == [BODY["comment"]]
        assert held.erase(person) == 1
        assert list(held.export(person)) == []
        review = Review.objects.get()
        assert (review.user_id, review.comment, review.name, review.rating) == (None, "", "", 4)
        assert standing_of(event) == (1, 4.0)
