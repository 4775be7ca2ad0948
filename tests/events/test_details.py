"""What an event tells and asks: programme, what to bring, contact, refund rule; and what attendees answer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shared_apps.core.errors import InvalidInput
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.events import details, refunds, services, taxonomy
from tenant_apps.events.errors import EditWindowClosed
from tenant_apps.events.models import BringItem, Question, Venue
from tenant_apps.orders.models import OrderLine
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user, owner_of


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


def ask(event, text="Which diet?", **fields):
    return details.make(Question, event, actor=None, text=text, **fields)


def buy(client, kind, *attendees, key="k"):
    body = {
        "email": "b@example.test",
        "lines": [{"ticket_type": kind.pk, "quantity": len(attendees), "attendees": list(attendees)}],
    }
    return client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)


class TestWhatIsTold:
    def test_a_programme_is_written_ordered_and_read(self, alpha, staff, client_for):
        with in_tenant(alpha):
            event = make_event()
        path = f"/api/v1/events/{event.slug}/program/"
        for title, start in (("Doors", "2031-05-01T18:00"), ("Concert", "2031-05-01T19:00")):
            made = staff.post(path, {"title": title, "starts_at": start, "speaker": "Ann"}, format="json")
            assert made.status_code == 201, made.content
        rows = client_for(alpha).get(path).json()["results"]
        assert [(row["title"], row["position"]) for row in rows] == [("Doors", 0), ("Concert", 1)]
        assert rows[0]["starts_at"].startswith("2031-05-01T16:00"), "local time of the event's zone"
        one = f"{path}{rows[0]['id']}/"
        bad = staff.patch(one, {"ends_at": "2031-05-01T17:00"}, format="json")
        assert [(error["field"], error["code"]) for error in bad.json()["errors"]] == [("ends_at", "before_start")]
        assert staff.patch(one, {"title": "Doors open"}, format="json").json()["title"] == "Doors open"
        with in_tenant(alpha):
            told = AuditEntry.objects.get(topic="program_item.updated").details
        assert (told["before"]["title"], told["after"]["title"]) == ("Doors", "Doors open")
        assert client_for(alpha).delete(one).status_code == 401
        assert staff.delete(one).status_code == 204
        assert len(staff.get(path).json()["results"]) == 1

    def test_a_list_of_what_to_bring_has_amounts(self, alpha, staff):
        with in_tenant(alpha):
            event = make_event()
        path = f"/api/v1/events/{event.slug}/bring/"
        assert staff.post(path, {"name": "Clay", "amount": "2.50", "unit": "kg"}).json()["amount"] == "2.5"
        assert staff.post(path, {"name": "Clay", "amount": "0"}).status_code == 400
        assert staff.post(path, {"name": "An apron"}).json()["amount"] is None

    def test_drafts_show_their_programme_to_nobody_outside(self, alpha, client_for):
        with in_tenant(alpha):
            event = make_event(published=False)
        assert client_for(alpha).get(f"/api/v1/events/{event.slug}/program/").status_code == 404

    def test_contact_and_the_way_to_take_part_are_told_but_the_link_is_for_staff(self, alpha, staff, client_for):
        with in_tenant(alpha):
            event = make_event()
        path = f"/api/v1/events/{event.slug}/"
        told = {"contact": {"name": "Ann", "email": "ann@example.test"}, "attendance": "online"}
        assert (
            staff.patch(path, {**told, "online_url": "https://meet.example.test/x"}, format="json").status_code == 200
        )
        seen = client_for(alpha).get(path).json()
        assert (seen["contact"]["name"], seen["attendance"]) == ("Ann", "online")
        assert "online_url" not in seen
        assert staff.get(path).json()["online_url"] == "https://meet.example.test/x"
        bad = staff.patch(path, {"online_url": "javascript:alert(1)", "contact": {"email": "no"}}, format="json")
        assert {error["field"] for error in bad.json()["errors"]} == {"online_url", "contact_email"}

    def test_a_description_keeps_harmless_markup_only(self, in_alpha):
        event = services.create_event(
            actor=None,
            title="x",
            starts_at="2031-05-01T18:00",
            description='<p onclick="x()">Hi <b>you</b><script>alert(1)</script><a href="javascript:x">a</a></p>',
        )
        assert "script" not in event.description and "onclick" not in event.description
        assert "<b>you</b>" in event.description

    def test_a_change_leaves_both_values_in_the_trail(self, in_alpha):
        event = make_event("Before")
        services.update_event(event, actor=make_user(), title="After", contact_phone="+49 30 1")
        told = AuditEntry.objects.get(topic="event.updated").details
        assert told["before"] == {"contact_phone": "", "title": "Before"}
        assert told["after"] == {"contact_phone": "+49 30 1", "title": "After"}


class TestRefundRule:
    def test_the_rule_counts_down_to_the_start(self, in_alpha):
        event = make_event(starts_at=timezone.now() + timedelta(days=30))
        services.update_event(
            event, actor=None, refund_tiers=[{"days": 3, "percent": 50}, {"days": 14, "percent": 100}]
        )
        event.refresh_from_db()
        for left, percent in ((20, 100), (14, 100), (13.9, 50), (3, 50), (2.9, 0), (-1, 0)):
            assert refunds.percent_now(event, event.starts_at - timedelta(days=left)) == percent, left
        assert refunds.in_words(event) == [
            "Until 14 days before the start, 100 % of the price comes back.",
            "Until 3 days before the start, 50 % of the price comes back.",
            "After that, nothing comes back.",
        ]

    def test_without_a_rule_of_its_own_the_tenants_counts(self, in_alpha):
        event = make_event()
        assert refunds.tiers_of(event) is None
        assert refunds.percent_now(event, timezone.now()) == 100
        in_alpha.preferences = {**in_alpha.preferences, "refund_tiers": ["14:100", "0:25"]}
        in_alpha.save()
        assert [(tier.days, tier.percent) for tier in refunds.tiers_of(event)] == [(14, 100), (0, 25)]

    @pytest.mark.parametrize(
        "tiers",
        [
            [{"days": 3, "percent": 50}, {"days": 3, "percent": 40}],
            [{"days": 14, "percent": 50}, {"days": 3, "percent": 100}],
            [{"days": -1, "percent": 50}],
            [{"days": 1, "percent": 101}],
            [{"days": True, "percent": 1}],
            [{"days": 1}],
            "14:100",
            [{"days": n, "percent": 0} for n in range(11)],
        ],
    )
    def test_what_is_no_rule_is_refused(self, in_alpha, tiers):
        with pytest.raises(InvalidInput) as caught:
            services.update_event(make_event(), actor=None, refund_tiers=tiers)
        assert caught.value.errors[0].field == "refund_tiers"


class TestQuestions:
    def test_answers_are_checked_and_kept_with_the_question_as_it_was(self, alpha, client_for, staff):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
            diet = ask(kind.event, kind="choice", choices=["Meat", "None"], required=True)
            age = ask(kind.event, "Age?", kind="number")
            gear = ask(kind.event, "Gear?", kind="multiple", choices=["Boots", "Rope", "Map"])
            first = ask(kind.event, "First time?", kind="yes_no")
        given = {str(diet.pk): "None", str(age.pk): "41,5", str(gear.pk): ["Map", "Boots"], str(first.pk): False}
        answer = buy(client_for(alpha), kind, {"name": "Ann", "answers": given}, {"answers": {str(diet.pk): "Meat"}})
        assert answer.status_code == 201, answer.content
        kept = [{row["text"]: row["answer"] for row in line["answers"]} for line in answer.json()["lines"]]
        assert kept == [
            {"Which diet?": "None", "Age?": "41.5", "Gear?": ["Boots", "Map"], "First time?": False},
            {"Which diet?": "Meat"},
        ]
        with in_tenant(alpha):
            details.change(diet, actor=None, text="Diet, please")
            details.delete(age, actor=None)
        line = staff.get(f"/api/v1/orders/{answer.json()['code']}/").json()["lines"][0]
        assert [row["text"] for row in line["answers"]][:2] == ["Which diet?", "Age?"]

    @pytest.mark.parametrize(
        ("fields", "value", "code"),
        [
            ({"required": True}, "", "answer_required"),
            ({"required": True}, "   ", "answer_required"),
            ({"required": True, "kind": "multiple", "choices": ["a", "b"]}, [], "answer_required"),
            ({"kind": "choice", "choices": ["a", "b"]}, "c", "answer_invalid"),
            ({"kind": "multiple", "choices": ["a", "b"]}, ["a", "c"], "answer_invalid"),
            ({"kind": "multiple", "choices": ["a", "b"]}, ["a", "a", "a"], "answer_invalid"),
            ({"kind": "number"}, "many", "answer_invalid"),
            ({"kind": "number"}, "NaN", "answer_invalid"),
            ({"kind": "number"}, "1e999999999", "answer_invalid"),
            ({"kind": "number"}, True, "answer_invalid"),
            ({"kind": "yes_no"}, "perhaps", "answer_invalid"),
            ({"kind": "text"}, 5, "answer_invalid"),
            ({"kind": "text"}, "x" * 1001, "answer_invalid"),
        ],
    )
    def test_what_is_no_answer_is_refused_at_its_place(self, alpha, client_for, fields, value, code):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
            question = ask(kind.event, **fields)
        answer = buy(client_for(alpha), kind, {"answers": {str(question.pk): value}})
        assert (answer.status_code, answer.json()["code"]) == (400, "answers_invalid"), answer.content
        place = f"lines.0.attendees.0.answers.{question.pk}"
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(place, code)]
        with in_tenant(alpha):
            assert not OrderLine.objects.exists()

    def test_only_holders_of_the_named_types_are_asked(self, alpha, client_for):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
            other = make_ticket_type(kind.event, price_minor=0, name="Other")
            question = ask(kind.event, required=True, ticket_types=[other.pk])
        assert buy(client_for(alpha), kind, {}).status_code == 201
        assert buy(client_for(alpha), other, {}, key="2").status_code == 400
        asked = buy(client_for(alpha), kind, {"answers": {str(question.pk): "x"}}, key="3")
        assert asked.json()["errors"][0]["code"] == "question_unknown"

    def test_an_order_with_answers_takes_no_more_statements(self, alpha, client_for, django_assert_max_num_queries):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
            question = ask(kind.event, required=True)
        person = {"answers": {str(question.pk): "yes"}}
        buy(client_for(alpha), kind, person, key="warm")
        with django_assert_max_num_queries(22):
            assert buy(client_for(alpha), kind, person, key="measured").status_code == 201

    def test_a_choice_needs_something_to_choose_from(self, in_alpha):
        with pytest.raises(InvalidInput) as caught:
            ask(make_event(), kind="choice", choices=["only one"])
        assert caught.value.errors[0].field == "choices"

    def test_a_question_names_ticket_types_of_its_own_event_only(self, in_alpha):
        other = make_ticket_type()
        with pytest.raises(InvalidInput) as caught:
            ask(make_event(), ticket_types=[other.pk])
        assert caught.value.errors[0].field == "ticket_types"


class TestLife:
    def test_a_postponed_event_remembers_when_it_was_to_start(self, in_alpha):
        event = make_event()
        first = event.starts_at
        event = services.postpone(event, starts_at=first + timedelta(days=7), actor=None)
        event = services.postpone(event, starts_at=first + timedelta(days=9), actor=None)
        assert event.previous_starts_at == first
        event = services.publish(event, actor=None)
        moved = event.starts_at
        assert services.postpone(event, starts_at=first + timedelta(days=20), actor=None).previous_starts_at == moved

    def test_a_cancelled_event_sells_nothing_and_is_told_on(self, alpha, client_for):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
            services.cancel(kind.event, actor=None)
            assert OutboxMessage.objects.filter(topic="event.cancelled").count() == 1
        assert buy(client_for(alpha), kind, {}).json()["code"] == "not_on_sale"

    def test_the_edit_window_closes_for_programmes_too(self, in_alpha):
        event = make_event(created_at=timezone.now())
        type(event).objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(hours=2))
        in_alpha.preferences = {**in_alpha.preferences, "event_edit_policy": "one_hour_after_creation"}
        in_alpha.save()
        with pytest.raises(EditWindowClosed):
            details.make(BringItem, event, actor=None, name="Clay")

    def test_a_duplicate_on_another_day_takes_everything_along(self, alpha, staff):
        with in_tenant(alpha):
            kind = make_ticket_type()
            ask(kind.event)
            details.make(BringItem, kind.event, actor=None, name="Clay")
        path = f"/api/v1/events/{kind.event.slug}/"
        copy = staff.post(f"{path}duplicate/", {"starts_at": "2031-05-01T18:00"}, format="json").json()
        assert copy["status"] == "draft"
        for what in ("questions", "bring"):
            assert len(staff.get(f"/api/v1/events/{copy['slug']}/{what}/").json()["results"]) == 1, what

    def test_venues_that_mean_the_same_place_become_one(self, in_alpha):
        kept = taxonomy.make(Venue, actor=None, name="Town hall", city="Lund")
        twin = taxonomy.make(Venue, actor=None, name="The town hall", capacity=300, accessibility="Ramp at the side")
        event = make_event(venue=twin)
        assert taxonomy.merge_venues(kept, [twin, kept], actor=None) == 1
        event.refresh_from_db()
        kept.refresh_from_db()
        assert (event.venue_id, kept.capacity, kept.city) == (kept.pk, 300, "Lund")
        assert AuditEntry.objects.get(topic="venue.merged").details["before"]["venues"] == ["The town hall"]

    def test_an_order_keeps_an_event_from_being_deleted(self, alpha, staff):
        with in_tenant(alpha):
            order = make_order(make_ticket_type(price_minor=0))
            event = order.lines.get().event
        answer = staff.delete(f"/api/v1/events/{event.slug}/")
        assert (answer.status_code, answer.json()["code"]) == (409, "event_has_orders")
