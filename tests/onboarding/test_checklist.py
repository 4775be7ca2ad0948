"""What a new tenant has still to do, on the dashboard and over the API, reckoned from what is there."""

import pytest
from django.test.utils import CaptureQueriesContext

from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.onboarding import sample
from tenant_apps.onboarding.checklist import checklist
from tenant_apps.staff.site_settings import change_settings
from tenants.context import in_tenant
from tenants.database import connection
from tenants.models import Tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_storefront import text_of


def done(tenant):
    with in_tenant(Tenant.objects.get(pk=tenant.pk)):
        return [step.name for step in checklist().steps if step.done]


def test_each_step_is_done_by_doing_it(alpha):
    owner = owner_of(alpha)
    assert done(alpha) == []
    with in_tenant(alpha):
        sample.add(actor=owner)
    assert done(alpha) == []  # examples are nobody's work
    with in_tenant(alpha):
        event = make_event("Gala", published=False)
    assert done(alpha) == ["event"]
    with in_tenant(alpha):
        events.publish(event, actor=owner)
        change_settings({"tagline": "Since 1908", "bank_transfer_details": ["IBAN XY"]}, actor=owner)
    assert done(alpha) == ["looks", "event", "publish", "payments"]
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(event))
    assert done(alpha) == ["looks", "event", "publish", "payments", "sale"]
    with in_tenant(Tenant.objects.get(pk=alpha.pk)):
        assert checklist().is_complete  # the team is for who wants one


def test_who_was_paid_has_said_how(alpha):
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(price_minor=0))
    assert done(alpha) == ["event", "publish", "sale"]
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(price_minor=100))
    assert done(alpha) == ["event", "publish", "payments", "sale"]


def test_a_shop_has_steps_of_its_own(alpha):
    alpha.kind = Tenant.Kind.RETAIL
    with in_tenant(alpha):
        assert [step.name for step in checklist().steps] == [
            "looks", "goods", "publish", "delivery", "payments", "team", "sale",
        ]  # fmt: skip


def test_the_list_costs_one_statement(in_alpha):
    with CaptureQueriesContext(connection) as asked:
        checklist()
    assert len(asked) == 1


def test_the_dashboard_shows_the_list_until_it_is_hidden_and_the_page_brings_it_back(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    shown = page.get("/dashboard/")
    assert "Sell your first ticket" in text_of(shown) and "Say how buyers pay you" in text_of(shown)
    page.post("/dashboard/first-steps/", {"onboarding_checklist": "off", "back": "home"})
    assert "Say how buyers pay you" not in text_of(page.get("/dashboard/"))
    page.post("/dashboard/first-steps/", {"onboarding_checklist": "on"})
    assert "Say how buyers pay you" in text_of(page.get("/dashboard/"))


def test_the_page_adds_and_removes_the_examples(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    answer = page.post("/dashboard/first-steps/examples/", {"do": "add"}, follow=True)
    assert "Open rehearsal (example)" in text_of(answer)
    answer = page.post("/dashboard/first-steps/examples/", {"do": "remove"}, follow=True)
    assert "The examples are gone." in text_of(answer)
    with in_tenant(alpha):
        assert not Event.objects.exists()


def test_the_api_tells_the_same_and_switches_list_and_letters(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    told = client.get("/api/v1/onboarding/").json()
    assert [step["name"] for step in told["steps"]] == ["looks", "event", "publish", "payments", "team", "sale"]
    assert not told["complete"] and told["onboarding_mails"] is True
    told = client.patch("/api/v1/onboarding/", {"onboarding_mails": False}, format="json").json()
    assert told["onboarding_mails"] is False
    assert client.get("/api/v1/settings/").json()["onboarding_mails"] is False
    assert client.patch("/api/v1/onboarding/", {"onboarding_mails": "perhaps"}, format="json").status_code == 400


@pytest.mark.parametrize("role", ["door", "box_office"])
def test_who_does_not_manage_the_settings_sees_no_list(alpha, page_for, role):
    from tenant_apps.staff.services import add_member, preset_role
    from tests.factories import make_user

    helper = make_user()
    with in_tenant(alpha):
        add_member(helper, preset_role(role), actor=None)
    assert "Say how buyers pay you" not in text_of(page_for(alpha, helper).get("/dashboard/"))
