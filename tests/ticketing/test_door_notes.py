"""What the door is told of a ticket type and of answers: written by API and page, shown to staff only."""

import pytest

from tenant_apps.events.models import Question
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, owner_of


@pytest.fixture
def kind(alpha):
    with in_tenant(alpha):
        return make_ticket_type(make_event(slug="fair"), name="Student")


def test_a_ticket_types_note_is_written_by_the_api_and_seen_by_staff_only(alpha, client_for, kind):
    owner, path = client_for(alpha, owner_of(alpha)), f"/api/v1/events/fair/ticket-types/{kind.pk}/"
    changed = owner.patch(path, {"door_note": "  Check the   student card "})
    assert (changed.status_code, changed.json()["door_note"]) == (200, "Check the student card"), changed.content
    assert owner.get(path).json()["door_note"] == "Check the student card"
    assert "door_note" not in client_for(alpha).get(path).json()
    assert "student card" not in client_for(alpha).get("/api/v1/events/fair/").content.decode()
    assert owner.patch(path, {"door_note": "x" * 101}).status_code == 400
    with in_tenant(alpha):
        copy = services.duplicate_event(kind.event, actor=None)
        assert copy.ticket_types.get().door_note == "Check the student card"


def test_a_ticket_types_note_is_written_on_its_page(alpha, page_for, kind):
    page, path = page_for(alpha, owner_of(alpha)), f"/dashboard/events/fair/tickets/{kind.pk}/"
    shown = page.get(path)
    assert shown.status_code == 200 and b'name="door_note"' in shown.content
    form = shown.context["form"]
    sent = {name: value for name, value in form.initial.items() if value is not None and value is not False}
    prefix = shown.context["tiers"].prefix
    management = {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    answer = page.post(path, {**sent, **management, "door_note": "Check the student card"})
    assert answer.status_code == 302, (answer.context["form"].errors, answer.context["tiers"].errors)
    with in_tenant(alpha):
        assert TicketType.objects.get(pk=kind.pk).door_note == "Check the student card"


def test_a_question_may_be_marked_for_the_door(alpha, client_for, kind):
    owner = client_for(alpha, owner_of(alpha))
    made = owner.post("/api/v1/events/fair/questions/", {"text": "Allergies", "at_door": True})
    assert (made.status_code, made.json()["at_door"]) == (201, True), made.content
    path = f"/api/v1/events/fair/questions/{made.json()['id']}/"
    assert owner.patch(path, {"at_door": False}).json()["at_door"] is False
    owner.patch(path, {"at_door": True})
    with in_tenant(alpha):
        copy = services.duplicate_event(kind.event, actor=None)
        assert Question.objects.get(event=copy).at_door
