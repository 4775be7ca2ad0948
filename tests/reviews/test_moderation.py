"""Staff decide about what is held or reported, give reasons, and answer in the organizer's name."""

from uuid import uuid4

import pytest
from django.core import mail

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry
from tenant_apps.notifications.models import Notification
from tenant_apps.reviews.models import Review
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.reviews.making import came, night, over, standing_of
from tests.staff.test_settings import member

QUEUE = "/api/v1/reviews/moderation/"
SPAM = "Buy at https://spam.example"


@pytest.fixture
def event(alpha):
    with in_tenant(alpha):
        kind = night("Gala")
        kind.people = [came(kind, name=f"Person {number}") for number in range(3)]
        found = over(kind)
        found.people = kind.people
        return found


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, member(alpha, "manager"))


def written(client_for, alpha, event, number, comment, rating=5):
    answer = client_for(alpha, event.people[number]).post(
        f"/api/v1/events/{event.slug}/reviews/", {"rating": rating, "comment": comment}
    )
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def test_what_is_held_waits_and_is_shown_when_staff_say_so(alpha, event, staff, client_for):
    pk = written(client_for, alpha, event, 0, SPAM)
    (waits,) = staff.get(QUEUE).json()["results"]
    assert (waits["id"], waits["held_for"], waits["status"]) == (pk, ["link"], "held")
    answer = staff.post(QUEUE, {"review": pk, "decision": "approve"})
    assert (answer.status_code, answer.json()["status"]) == (200, "published")
    assert staff.get(QUEUE).json()["count"] == 0
    assert client_for(alpha).get(f"/api/v1/events/{event.slug}/reviews/").json()["count"] == 1
    with in_tenant(alpha):
        assert standing_of(event) == (1, 5.0)
    # Deciding the same again changes nothing.
    staff.post(QUEUE, {"review": pk, "decision": "approve"})
    with in_tenant(alpha):
        assert standing_of(event) == (1, 5.0)
        assert AuditEntry.objects.filter(topic="review.approved").count() == 1


def test_what_is_taken_down_has_a_reason_that_its_author_reads(alpha, event, staff, client_for):
    pk = written(client_for, alpha, event, 0, "It was fine.")
    refused = staff.post(QUEUE, {"review": pk, "decision": "reject"})
    assert (refused.status_code, refused.json()["code"]) == (400, "reason_required")
    told = staff.post(QUEUE, {"review": pk, "decision": "reject", "reason": "About another event"})
    assert (told.json()["status"], told.json()["reason"]) == ("rejected", "About another event")
    with in_tenant(alpha):
        assert standing_of(event) == (0, None)
        deliver_due()
        assert Notification.objects.get(topic="review.rejected").user_id == event.people[0].pk
    (letter,) = [each for each in mail.outbox if "review" in each.subject]
    assert event.people[0].email in str(letter.to)
    assert "About another event" in letter.body
    mine = client_for(alpha, event.people[0]).get(f"/api/v1/reviews/{pk}/").json()
    assert (mine["status"], mine["reason"]) == ("rejected", "About another event")
    # What its author makes of it waits for staff once more, however harmless, and so does writing it anew.
    author = client_for(alpha, event.people[0])
    assert author.patch(f"/api/v1/reviews/{pk}/", {"comment": "About this one"}).json()["status"] == "held"
    author.delete(f"/api/v1/reviews/{pk}/")
    again = author.post(f"/api/v1/events/{event.slug}/reviews/", {"rating": 5})
    assert (again.status_code, again.json()["status"]) == (201, "held")


def test_many_are_decided_at_once_all_of_them_or_none(alpha, event, staff, client_for):
    ids = [written(client_for, alpha, event, number, SPAM) for number in range(3)]
    wrong = staff.post(QUEUE, {"reviews": [*ids, str(uuid4())], "decision": "reject", "reason": "Spam"}, format="json")
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (400, "does_not_exist")
    assert staff.get(QUEUE).json()["count"] == 3
    done = staff.post(QUEUE, {"reviews": ids, "decision": "reject", "reason": "Spam"}, format="json")
    assert {each["status"] for each in done.json()["results"]} == {"rejected"}
    assert [staff.get(f"{QUEUE}?status={name}").json()["count"] for name in ("waiting", "rejected", "all")] == [0, 3, 3]
    bodies = (
        {"decision": "approve"},
        {"review": ids[0], "reviews": ids, "decision": "approve"},
        {"review": ids[0], "decision": "burn"},
        {"reviews": [str(uuid4())] * 101, "decision": "approve"},
    )
    for body in bodies:
        assert staff.post(QUEUE, body, format="json").status_code == 400, body
    assert staff.get(f"{QUEUE}?status=x").status_code == 400


def test_a_reported_review_stays_and_waits_for_staff(alpha, event, staff, client_for):
    pk = written(client_for, alpha, event, 0, "The violinist is a fool.")
    path = f"/api/v1/reviews/{pk}/report/"
    reader = client_for(alpha, make_user())
    assert reader.post(path, {"kind": "offensive", "text": "An insult"}).status_code == 201
    assert reader.post(path, {"kind": "spam"}).status_code == 201
    (waits,) = staff.get(QUEUE).json()["results"]
    assert (waits["status"], waits["open_reports"]) == ("published", 1)
    assert waits["reports"][0]["kind"] == "offensive" and "user" not in waits["reports"][0]
    assert client_for(alpha).get(f"/api/v1/reviews/{pk}/").status_code == 200
    staff.post(QUEUE, {"review": pk, "decision": "approve"})
    assert staff.get(QUEUE).json()["count"] == 0
    own = client_for(alpha, event.people[0]).post(path, {"kind": "spam"})
    assert (own.status_code, own.json()["code"]) == (409, "own_review")
    assert client_for(alpha).post(path, {"kind": "spam"}).status_code == 401
    assert reader.post(path, {"kind": "ugly"}).status_code == 400
    codes = [reader.post(path, {"kind": "spam"}).status_code for _ in range(30)]
    assert 429 in codes


def test_staff_answer_and_the_author_is_told_once(alpha, event, staff, client_for):
    pk = written(client_for, alpha, event, 0, "The hall was cold.")
    path = f"/api/v1/reviews/{pk}/answer/"
    assert staff.put(path, {"text": "We have mended the heating."}).status_code == 200
    assert staff.put(path, {"text": "We have mended the heating today."}).status_code == 200
    shown = client_for(alpha).get(f"/api/v1/reviews/{pk}/").json()
    assert shown["answer"]["text"] == "We have mended the heating today."
    with in_tenant(alpha):
        deliver_due()
        assert Notification.objects.filter(topic="review.answered").count() == 1
    letters = [each for each in mail.outbox if "review" in each.subject]
    assert len(letters) == 1 and "mended the heating" in letters[0].body
    assert f"/events/{event.slug}/review/" in letters[0].body
    assert staff.delete(path).status_code == 204
    assert client_for(alpha).get(f"/api/v1/reviews/{pk}/").json()["answer"] is None
    for text in ("", "x" * 2001):
        assert staff.put(path, {"text": text}).status_code == 400


def test_what_nobody_reads_is_not_answered(alpha, event, staff, client_for):
    pk = written(client_for, alpha, event, 0, SPAM)
    answer = staff.put(f"/api/v1/reviews/{pk}/answer/", {"text": "No."})
    assert (answer.status_code, answer.json()["code"]) == (409, "review_not_shown")


@pytest.mark.parametrize("preset", ["event_manager", "box_office", "door", "accountant", "read_only"])
def test_only_who_moderates_reviews_gets_in(alpha, event, client_for, page_for, preset):
    pk = written(client_for, alpha, event, 0, SPAM)
    user = member(alpha, preset)
    client = client_for(alpha, user)
    assert client.get(QUEUE).status_code == 403
    assert client.post(QUEUE, {"review": pk, "decision": "approve"}).status_code == 403
    assert page_for(alpha, user).get("/dashboard/reviews/").status_code == 403
    with in_tenant(alpha):
        assert Review.objects.get().status == "held"


def test_a_neighbours_staff_decide_nothing_here(alpha, beta, event, client_for):
    pk = written(client_for, alpha, event, 0, SPAM)
    neighbour = client_for(beta, owner_of(beta))
    assert neighbour.get(QUEUE).json()["count"] == 0
    assert neighbour.post(QUEUE, {"review": pk, "decision": "approve"}).status_code == 400
    assert neighbour.put(f"/api/v1/reviews/{pk}/answer/", {"text": "x"}).status_code == 404
