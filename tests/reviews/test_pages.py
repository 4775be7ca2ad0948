"""Reviews on the pages, without JavaScript: read, written, reported, decided."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.events import standing
from tenant_apps.reviews.models import Review
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.reviews.making import came, night, over


def text_of(response):
    return html.unescape(response.content.decode())


@pytest.fixture
def gala(alpha):
    with in_tenant(alpha):
        kind = night("Gala", slug="gala")
        people = [came(kind, name=name) for name in ("Ada Lovelace", "Grace Hopper", "Alan Turing")]
        return over(kind), people


def folded(alpha, event):
    with in_tenant(alpha):
        standing.fold(event.pk)


def test_who_was_there_reviews_on_the_events_own_page(alpha, gala, page_for):
    event, (ada, *_rest) = gala
    page = page_for(alpha, ada)
    shown = text_of(page.get("/events/gala/"))
    assert "You were there: how was it?" in shown and 'value="Ada L."' in shown
    sent = page.post("/events/gala/review/", {"rating": "4", "comment": "Superb <b>strings</b>", "name": "Ada"})
    assert (sent.status_code, sent["Location"]) == (302, "/events/gala/#reviews")
    with in_tenant(alpha):
        Review.objects.update(status="published", held_for=[])
        standing.change(event.pk, stars=4)
    folded(alpha, event)
    raw = page_for(alpha).get("/events/gala/").content.decode()
    assert "Superb &lt;b&gt;strings&lt;/b&gt;" in raw and "<b>strings" not in raw
    assert "4.0 of 5 stars" in raw and "Had a ticket" in raw
    assert "Change or take back" in text_of(page.get("/events/gala/"))


def test_the_letters_link_leads_to_a_form_after_signing_in(alpha, gala, page_for):
    _event, (ada, *_rest) = gala
    sent_away = page_for(alpha).get("/events/gala/review/")
    assert (sent_away.status_code, "next=/events/gala/review/" in sent_away["Location"]) == (302, True)
    page = page_for(alpha, ada)
    assert page.get("/events/gala/review/").status_code == 200
    missing = page.post("/events/gala/review/", {"comment": "No stars"})
    assert missing.status_code == 400 and "Give one to five stars." in text_of(missing)
    assert "No stars" in text_of(missing)
    page.post("/events/gala/review/", {"rating": "5", "comment": "Lovely", "name": ""})
    again = page.post("/events/gala/review/", {"rating": "3", "comment": "Quite nice", "name": ""})
    assert again.status_code == 302
    with in_tenant(alpha):
        review = Review.objects.get()
        assert (review.rating, review.comment, review.status) == (3, "Quite nice", "published")
    assert page.post("/events/gala/review/", {"withdraw": "1"}).status_code == 302
    with in_tenant(alpha):
        assert Review.objects.get().status == "withdrawn"
    assert page.post("/events/gala/review/", {"withdraw": "1"}).status_code == 404


def test_who_was_not_there_reads_why_there_is_no_form(alpha, gala, page_for):
    page = page_for(alpha, make_user())
    shown = text_of(page.get("/events/gala/review/"))
    assert "Only people who were at this event can review it." in shown and 'name="rating"' not in shown
    assert page.post("/events/gala/review/", {"rating": "5"}).status_code == 403
    with in_tenant(alpha):
        ahead = night("Ahead", slug="ahead")
    assert "It can be reviewed afterwards." in text_of(page.get("/events/ahead/review/"))
    assert page.post("/events/ahead/review/", {"rating": "5"}).status_code == 409
    assert ahead.event.slug == "ahead" and page.get("/events/nothing/review/").status_code == 404


def test_an_event_that_is_ahead_shows_no_reviews_and_costs_no_statement_for_them(alpha, page_for):
    with in_tenant(alpha):
        night("Ahead", slug="ahead")
    client = page_for(alpha)
    client.get("/events/ahead/")
    with CaptureQueriesContext(connection) as asked:
        shown = text_of(client.get("/events/ahead/"))
    assert 'id="reviews"' not in shown
    assert not [each for each in asked if "reviews_" in each["sql"]]


def test_search_engines_are_told_the_mean_and_of_how_many(alpha, gala, page_for):
    event, _people = gala

    def rating():
        page = page_for(alpha).get("/events/gala/").content.decode()
        (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
        return json.loads(found).get("aggregateRating")

    assert rating() is None
    with in_tenant(alpha):
        for stars in (5, 4, 4):
            standing.change(event.pk, stars=stars)
    folded(alpha, event)
    told = rating()
    assert told == {
        "@type": "AggregateRating", "ratingValue": "4.33", "bestRating": "5", "worstRating": "1", "ratingCount": 3,
    }  # fmt: skip


def test_all_reviews_have_a_page_with_orders_and_pages(alpha, gala, page_for):
    event, _people = gala
    with in_tenant(alpha):
        for number in range(25):
            Review.objects.create(event=event, user_id=10**6 + number, proof="ticket", rating=1 + number % 5,
                                  comment=f"Comment {number}.")  # fmt: skip
            standing.change(event.pk, stars=1 + number % 5)
    folded(alpha, event)
    page = page_for(alpha)
    assert "All reviews" in text_of(page.get("/events/gala/"))
    first = text_of(page.get("/events/gala/reviews/"))
    assert "Comment 24." in first and "Comment 4." not in first
    assert "Comment 4." in text_of(page.get("/events/gala/reviews/?page=2"))
    best = text_of(page.get("/events/gala/reviews/?ordering=best&rating=5"))
    assert best.count('<article class="review"') == 5
    assert page.get("/events/gala/reviews/?ordering=nonsense&rating=9&page=x").status_code == 200


def test_the_list_is_narrowed_and_ordered_by_rating(alpha, page_for):
    with in_tenant(alpha):
        for title, stars in (("Fine", 4), ("Best", 5), ("Poor", 1), ("Unrated", None)):
            event = night(title).event
            if stars:
                for _ in range(12):
                    standing.change(event.pk, stars=stars)
                standing.fold(event.pk)
    page = page_for(alpha)
    titles = r'event-card__title"><a href="[^"]+">([^<]+)<'
    shown = text_of(page.get("/events/?ordering=-rating"))
    assert re.findall(titles, shown) == ["Best", "Fine", "Poor", "Unrated"]
    assert "4.0 of 5 stars" in shown
    assert set(re.findall(titles, text_of(page.get("/events/?rating=4")))) == {"Fine", "Best"}
    assert len(re.findall(titles, text_of(page.get("/events/?rating=nonsense")))) == 4


def test_a_person_finds_what_to_review_in_their_account(alpha, gala, page_for):
    _event, (ada, *_rest) = gala
    page = page_for(alpha, ada)
    assert "Gala" in text_of(page.get("/account/reviews/"))
    page.post("/events/gala/review/", {"rating": "5", "comment": "Lovely", "name": ""})
    shown = text_of(page.get("/account/reviews/"))
    assert "What you wrote" in shown and "Lovely" in shown and "How was it?" not in shown
    assert page_for(alpha).get("/account/reviews/").status_code == 302


def test_a_reader_reports_a_review(alpha, gala, page_for):
    _event, (ada, *_rest) = gala
    page_for(alpha, ada).post("/events/gala/review/", {"rating": "5", "comment": "Lovely", "name": ""})
    with in_tenant(alpha):
        pk = Review.objects.get().pk
    reader = page_for(alpha, make_user())
    path = f"/reviews/{pk}/report/"
    assert reader.get(path).status_code == 200
    assert reader.post(path, {"kind": "nonsense"}).status_code == 400
    assert reader.post(path, {"kind": "spam", "text": "Looks bought"}).status_code == 302
    assert page_for(alpha, ada).post(path, {"kind": "spam"}).status_code == 409
    shown = text_of(page_for(alpha, owner_of(alpha)).get("/dashboard/reviews/"))
    assert "1 reader reports it" in shown and "Looks bought" in shown


def test_staff_decide_on_their_page_one_by_one_and_many_at_once(alpha, gala, page_for):
    _event, people = gala
    for person in people:
        page_for(alpha, person).post(
            "/events/gala/review/", {"rating": "1", "comment": "See www.spam.example", "name": "X"}
        )
    staff = page_for(alpha, owner_of(alpha))
    home = text_of(staff.get("/dashboard/"))
    assert "3 reviews wait for your decision" in home
    shown = text_of(staff.get("/dashboard/reviews/"))
    assert shown.count("Has a link, an address or a phone number") == 3
    with in_tenant(alpha):
        ids = [str(pk) for pk in Review.objects.order_by("pk").values_list("pk", flat=True)]
    one = staff.post("/dashboard/reviews/decide/", {"chosen": ids[0], "decision": "approve", "back": "?show=waiting"})
    assert (one.status_code, one["Location"]) == (302, "/dashboard/reviews/?show=waiting")
    without = staff.post("/dashboard/reviews/decide/", {"chosen": ids[1:], "decision": "reject"}, follow=True)
    assert "Say why the review is not to be shown." in text_of(without)
    done = staff.post(
        "/dashboard/reviews/decide/", {"chosen": ids[1:], "decision": "reject", "reason": "Advertising"}, follow=True
    )
    assert "2 reviews are not shown." in text_of(done)
    with in_tenant(alpha):
        assert sorted(Review.objects.values_list("status", flat=True)) == ["published", "rejected", "rejected"]
    answered = staff.post(f"/dashboard/reviews/{ids[0]}/answer/", {"text": "We are sorry."}, follow=True)
    assert "Your answer stands below the review." in text_of(answered)
    assert "We are sorry." in text_of(page_for(alpha).get("/events/gala/reviews/"))
    staff.post(f"/dashboard/reviews/{ids[0]}/answer/", {"text": " "})
    assert "We are sorry." not in text_of(page_for(alpha).get("/events/gala/reviews/"))
    for path in ("?show=published", "?show=rejected", "?show=all", "?show=x", "?event=gala", "?event=none"):
        assert staff.get(f"/dashboard/reviews/{path}").status_code == 200
    assert staff.post("/dashboard/reviews/decide/", {"chosen": "nonsense", "decision": "approve"}).status_code == 302


def test_the_page_of_staff_costs_the_same_however_many_wait(alpha, gala, page_for):
    event, _people = gala
    staff = page_for(alpha, owner_of(alpha))

    def statements():
        with CaptureQueriesContext(connection) as asked:
            assert staff.get("/dashboard/reviews/").status_code == 200
        return len(asked)

    with in_tenant(alpha):
        Review.objects.create(event=event, user_id=1, proof="ticket", rating=1, status="held")
    staff.get("/dashboard/reviews/")
    few = statements()
    with in_tenant(alpha):
        for number in range(10):
            Review.objects.create(event=event, user_id=10 + number, proof="ticket", rating=1, status="held")
    assert statements() == few


def test_an_old_event_still_has_its_form(alpha, page_for):
    with in_tenant(alpha):
        kind = night("Long ago", slug="long-ago")
        ada = came(kind)
        over(kind, ago=timedelta(days=400))
    page = page_for(alpha, ada)
    assert page.post("/events/long-ago/review/", {"rating": "5"}).status_code == 302
    assert "Long ago" in text_of(page.get("/account/reviews/"))
