"""Staff set up a season, and buyers answer what an event asks, without JavaScript."""

import re

import pytest

from tenant_apps.events import details
from tenant_apps.events.models import BringItem, Event, EventSeries, ProgramItem, Question, Venue
from tenant_apps.orders.models import Order
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, owner_of


@pytest.fixture
def staff(alpha, page_for):
    return page_for(alpha, owner_of(alpha))


@pytest.fixture
def kind(alpha):
    with in_tenant(alpha):
        return make_ticket_type(make_event("Pottery"), price_minor=0, capacity=20)


def test_a_series_is_shown_before_it_is_made(alpha, staff, kind):
    path = f"/dashboard/events/{kind.event.slug}/repeat/"
    assert staff.get(path).status_code == 200
    typed = {"title": "Pottery nights", "frequency": "WEEKLY", "count": "3", "publish": "on"}
    shown = staff.post(path, typed)
    assert (shown.status_code, shown.content.decode().count('class="chip number"')) == (200, 3)
    with in_tenant(alpha):
        assert not EventSeries.objects.exists()
    made = staff.post(path, {**typed, "make": "1"})
    assert (made.status_code, made["Location"]) == (302, "/dashboard/series/pottery-nights/")
    with in_tenant(alpha):
        assert EventSeries.objects.get().dates.filter(status="published").count() == 3
    assert "Pottery nights" in staff.get("/dashboard/series/").content.decode()
    assert staff.get("/dashboard/events/?show=drafts").content.decode().count('id="row-') == 0, (
        "no set-up among the drafts"
    )
    refused = staff.post(path.replace(kind.event.slug, "nothing"), typed)
    assert refused.status_code == 404


def test_a_rule_that_ends_nowhere_is_refused_on_the_page(staff, kind):
    typed = {"title": "x", "frequency": "DAILY"}
    answer = staff.post(f"/dashboard/events/{kind.event.slug}/repeat/", typed)
    assert answer.status_code == 400
    assert "Say how many dates, or until when." in answer.content.decode()


def test_dates_of_a_series_are_changed_together_and_the_series_deleted(alpha, staff, kind):
    staff.post(
        f"/dashboard/events/{kind.event.slug}/repeat/",
        {"title": "Pottery", "frequency": "DAILY", "count": "3", "make": "1"},
    )
    path = "/dashboard/series/pottery/"
    typed = {"what": "dates", "event": kind.event.slug, "scope": "all", "summary": "With an apron"}
    assert staff.post(path, typed).status_code == 302
    with in_tenant(alpha):
        assert Event.objects.filter(summary="With an apron").count() == 4, "three dates and the set-up"
    assert staff.post(path, {"what": "rule", "title": "Pottery", "rule": "often"}).status_code == 400
    assert staff.post(path, {"what": "delete"}).status_code == 302
    with in_tenant(alpha):
        assert not EventSeries.objects.exists()


@pytest.mark.parametrize(
    ("what", "typed", "model"),
    [
        ("program", {"title": "Wheels", "starts_at": "2031-05-01T19:00"}, ProgramItem),
        ("bring", {"name": "Clay", "amount": "2,5", "unit": "kg"}, BringItem),
        ("questions", {"text": "Size?", "kind": "choice", "choices": "S\r\nM\r\nL", "required": "on"}, Question),
    ],
)
def test_details_are_added_changed_and_deleted(alpha, staff, kind, what, typed, model):
    path = f"/dashboard/events/{kind.event.slug}/{what}/"
    assert staff.post(path, {}).status_code == 400
    assert staff.post(path, typed).status_code == 302
    with in_tenant(alpha):
        row = model.objects.get()
    assert str(row) in staff.get(path).content.decode()
    assert staff.post(f"{path}{row.pk}/", {**typed, "position": "7"}).status_code == 302
    with in_tenant(alpha):
        assert model.objects.get().position == 7
    assert staff.post(f"{path}{row.pk}/", {"delete": "1"}).status_code == 302
    with in_tenant(alpha):
        assert not model.objects.exists()


def test_buyers_see_what_the_event_tells(alpha, staff, page_for, kind):
    with in_tenant(alpha):
        details.make(ProgramItem, kind.event, actor=None, title="Wheels", speaker="Ann Clay")
        details.make(BringItem, kind.event, actor=None, name="Apron")
        venue = Venue.objects.create(name="Kiln", slug="kiln", accessibility="No steps")
        Event.objects.filter(pk=kind.event.pk).update(
            venue=venue,
            contact_email="ask@example.test",
            refund_tiers=[{"days": 2, "percent": 50}],
            attendance="mixed",
            online_url="https://meet.example.test/secret-room",
        )
    html = page_for(alpha).get(f"/events/{kind.event.slug}/").content.decode()
    for words in ("Wheels", "Ann Clay", "Apron", "No steps", "ask@example.test", "50 % of the price comes back"):
        assert words in html, words
    assert "secret-room" not in html


def test_questions_are_asked_for_each_ticket_before_it_is_ordered(alpha, staff, page_for, kind):
    with in_tenant(alpha):
        question = details.make(Question, kind.event, actor=None, text="Which glaze?", required=True)
        Event.objects.filter(pk=kind.event.pk).update(attendance="online", online_url="https://meet.example.test/x")
    buyer = page_for(alpha)
    buyer.post(f"/events/{kind.event.slug}/", {f"quantity_{kind.pk}": "2"})
    html = buyer.get("/checkout/").content.decode()
    names = re.findall(rf'name="(answer_[0-9a-f]+_[01]_{question.pk})"', html)
    assert len(names) == 2
    typed = {"email": "ada@example.test", "name": "Ada"}
    empty = buyer.post("/checkout/", {**typed, names[0]: "Blue"})
    assert empty.status_code == 400
    assert "Please answer this question." in empty.content.decode() and 'value="Blue"' in empty.content.decode()
    done = buyer.post("/checkout/", {**typed, names[0]: "Blue", names[1]: "Green"})
    assert done.status_code == 302, done.content
    with in_tenant(alpha):
        order = Order.objects.get()
        assert [line.said for line in order.lines.all()] == [[("Which glaze?", "Blue")], [("Which glaze?", "Green")]]
    page = done["Location"].removesuffix("thanks/")
    assert "https://meet.example.test/x" in buyer.get(page).content.decode(), "holders find the link"
    seen = staff.get(f"/dashboard/orders/{order.code}/").content.decode()
    assert "Which glaze?" in seen and "Green" in seen


def test_many_events_are_changed_at_once_and_refusals_are_named(alpha, staff):
    with in_tenant(alpha):
        draft, sold = make_event("Draft", published=False), make_ticket_type(price_minor=0)
        make_order(sold)
        before = draft.starts_at
    ticked = {"event": [draft.slug, sold.event.slug]}
    answer = staff.post("/dashboard/bulk-events/", {**ticked, "action": "archive"}, follow=True)
    html = answer.content.decode()
    assert "1 event is changed." in html and sold.event.title in html
    assert "Tick that you mean it." in staff.post(
        "/dashboard/bulk-events/", {**ticked, "action": "cancel"}, follow=True
    ).content.decode()  # fmt: skip
    with in_tenant(alpha):
        assert Event.objects.get(pk=sold.event_id).status == "published"
    staff.post("/dashboard/bulk-events/", {"event": sold.event.slug, "action": "cancel", "confirm": "on"})
    with in_tenant(alpha):
        assert Event.objects.get(pk=sold.event_id).status == "cancelled"
        assert Event.objects.get(pk=draft.pk).starts_at == before


def test_title_start_and_places_are_edited_quickly(alpha, staff, kind):
    path = f"/dashboard/events/{kind.event.slug}/quick/"
    typed = {"title": "Clay", "starts_at": "2031-05-01T19:00", "capacity": "12"}
    assert staff.get(path).status_code == 200
    assert staff.post(path, typed).status_code == 302
    with in_tenant(alpha):
        event = Event.objects.get(pk=kind.event_id)
        assert (event.title, event.starts_at.isoformat()) == ("Clay", "2031-05-01T17:00:00+00:00")
        assert event.quotas.get().capacity == 12
        make_order(kind, quantity=3)
    assert staff.post(path, {**typed, "capacity": "2"}).status_code == 400


@pytest.mark.parametrize("what", ["categories", "tags", "venues"])
def test_words_that_events_are_sorted_by_are_kept_up(alpha, staff, what):
    path = f"/dashboard/{what}/"
    assert staff.post(path, {"name": "Clay"}).status_code == 302
    assert staff.post(f"{path}clay/", {"name": "Clay and fire"}).status_code == 302
    assert "Clay and fire" in staff.get(path).content.decode()
    assert staff.post(f"{path}clay/", {"delete": "1"}).status_code == 302
    assert "Clay and fire" not in staff.get(path).content.decode()


def test_venues_are_made_one_on_the_page(alpha, staff, kind):
    with in_tenant(alpha):
        for name in ("kiln", "the-kiln"):
            Venue.objects.create(name=name, slug=name)
        Event.objects.filter(pk=kind.event_id).update(venue=Venue.objects.get(slug="the-kiln"))
    assert staff.post("/dashboard/venues/merge/", {"venue": ["the-kiln"], "keep": "kiln"}).status_code == 302
    with in_tenant(alpha):
        assert Event.objects.get(pk=kind.event_id).venue.slug == "kiln"


def test_a_copy_and_another_time_are_a_form_each(alpha, staff, kind):
    path = f"/dashboard/events/{kind.event.slug}/"
    assert (
        staff.post(f"{path}duplicate/", {"starts_at": "2031-05-01T19:00"})["Location"] == "/dashboard/events/pottery/"
    )
    assert staff.post(f"{path}postpone/", {"starts_at": "2031-06-01T19:00"}).status_code == 302
    with in_tenant(alpha):
        event = Event.objects.get(pk=kind.event_id)
        assert (event.status, event.previous_starts_at) == ("postponed", kind.event.starts_at)


def test_the_form_of_an_event_keeps_contact_and_refund_rule(alpha, staff, kind):
    path = f"/dashboard/events/{kind.event.slug}/edit/"
    html = staff.get(path).content.decode()
    assert all(f'name="{name}"' in html for name in ("contact_email", "attendance", "refund_tiers", "cancel_until"))
    typed = {
        "title": "Pottery", "starts_at": "2031-05-01T19:00", "timezone": "Europe/Berlin", "attendance": "onsite",
        "contact_phone": "+49 30 1", "own_refund_rule": "on", "refund_tiers": "14: 100\r\n3: 50 %",
        "types-TOTAL_FORMS": "0", "types-INITIAL_FORMS": "0",
    }  # fmt: skip
    saved = staff.post(path, typed)
    assert saved.status_code == 302, re.findall(r"field__error.*?</p>", saved.content.decode(), re.S)
    with in_tenant(alpha):
        event = Event.objects.get(pk=kind.event_id)
        assert event.contact_phone == "+49 30 1"
        assert event.refund_tiers == [{"days": 14, "percent": 100}, {"days": 3, "percent": 50}]
    assert staff.post(path, {**typed, "refund_tiers": "soon"}).status_code == 400
