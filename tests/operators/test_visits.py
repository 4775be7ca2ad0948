"""An operator on a tenant's site as somebody: told before, marked, confined, reading unless chosen, soon over."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry, Session, User
from shared_apps.operators import impersonation
from shared_apps.operators.middleware import cookie_name
from shared_apps.operators.models import Impersonation
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry
from tenant_apps.events.models import Event
from tenant_apps.staff.models import Membership
from tenants import provisioning
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_user, owner_of
from tests.operators.helpers import REASON, make_operator


def begin(tenant, operator=None, **changes):
    options = {"person_id": None, "reason": REASON, "minutes": 30, "writes": False, **changes}
    return impersonation.begin(operator=operator or make_operator(), tenant=tenant, **options)


def come_in(page_for, tenant, operator=None, **changes):
    """A browser in which an operator has come to the tenant's site, and the visit."""
    row, address = begin(tenant, operator, **changes)
    page = page_for(tenant)
    split = urlsplit(address)
    assert split.netloc == f"{tenant.slug}.localhost"
    answer = page.get(f"{split.path}?{split.query}")
    assert answer.status_code == 302 and answer["Location"] == "/dashboard/", answer.content
    return page, row


def test_the_owners_are_told_and_both_trails_say_so_before_anything_can_be_seen(alpha, beta):
    operator = make_operator()
    row, _address = begin(alpha, operator, writes=True)
    with in_tenant(alpha):
        entry = AuditEntry.objects.get(topic="operator.entered")
        assert entry.actor == operator.email
        assert entry.details["after"]["reason"] == REASON and entry.details["after"]["writes"] is True
        deliver_due()
        deliver_due()
    (letter,) = [each for each in mail.outbox if owner_of(alpha).email in each.to[0]]
    assert operator.email in letter.subject and REASON in letter.body and "can change" in letter.body
    noted = PlatformAuditEntry.objects.get(topic="impersonation.begun")
    assert (noted.actor_id, noted.user_id) == (operator.pk, alpha.owner_id)
    assert noted.details["reason"] == REASON and noted.target == impersonation.target_of(row)
    with in_tenant(beta):
        assert not AuditEntry.objects.filter(topic="operator.entered").exists()


def test_if_the_owners_cannot_be_told_nobody_comes_in(alpha, monkeypatch):
    monkeypatch.setattr(impersonation, "record", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        begin(alpha)
    assert not Impersonation.objects.exists()


def test_the_operator_stands_in_the_dashboard_under_a_banner_and_leaves(alpha, page_for):
    with in_tenant(alpha):
        make_event("Gala")
    page, row = come_in(page_for, alpha)
    shown = page.get("/dashboard/events/")
    text = shown.content.decode()
    assert shown.status_code == 200 and "Gala" in text and shown["Cache-Control"] == "no-store, private"
    assert f"You are here as {owner_of(alpha).email}." in text and "You can look and change nothing." in text
    assert not Session.objects.filter(user_id=alpha.owner_id).exists()  # it is no sign-in of the person's
    left = page.post("/operator/leave/")
    assert left["Location"] == "http://localhost/operator/" and not left.cookies[cookie_name()].value
    assert page.get("/dashboard/events/").status_code == 302
    row.refresh_from_db()
    assert row.ended_by == "operator" and not row.running
    with in_tenant(alpha):
        assert AuditEntry.objects.filter(topic="operator.left", actor=Operator().email).exists()


class Operator:
    email = "olga@operators.test"


def test_which_pages_were_looked_at_is_written_down(alpha, page_for):
    page, row = come_in(page_for, alpha)
    page.get("/dashboard/events/")
    page.get("/account/")
    page.post("/dashboard/settings/", {"name": "Hacked"})
    noted = PlatformAuditEntry.objects.filter(topic="impersonation.page").order_by("at", "pk")
    told = [(entry.details["method"], entry.details["path"], entry.details["status"]) for entry in noted]
    assert told == [
        ("GET", "/dashboard/events/", 200), ("GET", "/account/", 403), ("POST", "/dashboard/settings/", 403),
    ]  # fmt: skip
    row.refresh_from_db()
    assert (row.requests, row.changes) == (3, 0)


def test_a_visit_that_reads_changes_nothing(alpha, page_for):
    with in_tenant(alpha):
        event = make_event("Gala")
    page, _row = come_in(page_for, alpha)
    for path in (f"/dashboard/events/{event.slug}/", "/dashboard/settings/", "/dashboard/background/retry/"):
        refused = page.post(path, {"title": "Other", "name": "Other"})
        assert refused.status_code == 403 and "only reads" in refused.content.decode()
    with in_tenant(alpha):
        assert Event.objects.get().title == "Gala"
    assert Tenant.objects.get(pk=alpha.pk).name == "Alpha"


def test_the_connection_itself_refuses_to_write_while_one_reads(alpha, page_for, monkeypatch):
    """A page that forgot that it is only looked at changes nothing either."""
    from tenant_apps.activity import standing

    with in_tenant(alpha):
        make_event("Gala")
    page, _row = come_in(page_for, alpha)

    def careless():
        with transaction.atomic():
            Event.objects.update(title="Changed by a look")

    monkeypatch.setattr(standing, "standing", careless)
    refused = page.get("/dashboard/background/")
    assert refused.status_code == 403 and "only reads" in refused.content.decode()
    with in_tenant(alpha):
        assert Event.objects.get().title == "Gala"


def dashboard_addresses():
    """Every page of the dashboard whose address names nothing."""

    def walk(patterns, prefix):
        for each in patterns:
            path = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, path)
            elif isinstance(each, URLPattern) and "<" not in path and path.startswith("/dashboard/"):
                yield path

    return sorted(set(walk(get_resolver("platform_config.urls_tenant").url_patterns, "/")))


def test_every_page_of_the_dashboard_can_be_looked_at_without_a_write(alpha, page_for):
    page, _row = come_in(page_for, alpha)
    found = {path: page.get(path).status_code for path in dashboard_addresses()}
    assert len(found) > 40
    closed = ("/dashboard/export/",)  # the whole of the data in one file
    wrong = {path: status for path, status in found.items() if status not in (200, 302, 400, 405)}
    wrong = {path: status for path, status in wrong.items() if not path.startswith(closed)}
    assert wrong == {}


def test_who_chose_to_change_something_can_and_it_bears_both_names(alpha, page_for):
    operator = make_operator()
    with in_tenant(alpha):
        event = make_event("Gala")
    page, row = come_in(page_for, alpha, operator, writes=True)
    assert "What you change is changed." in page.get("/dashboard/").content.decode()
    done = page.post(f"/dashboard/events/{event.slug}/cancel/", {"confirm": "on"})
    assert done.status_code in (200, 302), done.status_code
    changed = page.post("/dashboard/categories/", {"name": "Concerts"})
    assert changed.status_code in (200, 302)
    with in_tenant(alpha):
        entries = list(AuditEntry.objects.filter(actor=owner_of(alpha).email, details__operator=operator.email))
    assert entries, "what was done in the owner's name does not say who did it"
    row.refresh_from_db()
    assert row.changes >= 1


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/staff/invite/",
        "/dashboard/roles/new/",
        "/dashboard/api-keys/new/",
        "/dashboard/webhooks/",
        "/dashboard/settings/",
        "/dashboard/settings/payments/stripe/",
        "/dashboard/settings/address/rename/",
        "/dashboard/settings/sender/",
        "/dashboard/reports/schedules/new/",
        "/dashboard/events/gala/people/",
        "/dashboard/events/gala/codes/new-key/",
        "/dashboard/export/close/",
        "/dashboard/operators/00000000-0000-0000-0000-000000000000/end/",
        "/events/gala/waiting-list/",
    ],
)
def test_nothing_that_would_outlast_the_visit_is_done_in_anothers_name(alpha, page_for, path):
    page, _row = come_in(page_for, alpha, writes=True)
    refused = page.post(path, {"email": "friend@example.test"})
    assert refused.status_code == 403 and "as somebody else cannot do this" in refused.content.decode()


@pytest.mark.parametrize(
    "path", ["/account/", "/account/security/", "/orders/", "/account/data/", "/cart/", "/dashboard/export/"]
)
def test_the_persons_own_account_and_orders_stay_closed(alpha, page_for, path):
    page, _row = come_in(page_for, alpha, writes=True)
    assert page.get(path).status_code == 403


def test_it_is_over_when_its_time_is_over(alpha, page_for):
    page, row = come_in(page_for, alpha)
    Impersonation.objects.filter(pk=row.pk).update(
        created_at=timezone.now() - timedelta(hours=1), expires_at=timezone.now() - timedelta(seconds=1)
    )
    over = page.get("/dashboard/")
    assert over.status_code == 302 and "/account/login/" in over["Location"]
    assert not over.cookies[cookie_name()].value


def test_the_code_in_the_address_is_good_once_for_two_minutes_and_there(alpha, beta, page_for):
    row, address = begin(alpha)
    query = urlsplit(address).query
    assert page_for(beta).get(f"/operator/enter/?{query}").status_code == 404
    assert page_for(alpha).get(f"/operator/enter/?{query}").status_code == 302
    assert page_for(alpha).get(f"/operator/enter/?{query}").status_code == 404
    row, address = begin(alpha, User.objects.get(email=Operator.email))
    Impersonation.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(minutes=3))
    assert page_for(alpha).get(f"/operator/enter/?{urlsplit(address).query}").status_code == 404
    for odd in ("", "?code=", "?code=" + "a" * 5000, "?code=%F0%9F%8E%9F"):
        assert page_for(alpha).get(f"/operator/enter/{odd}").status_code == 404


def test_what_the_browser_keeps_opens_no_other_site_and_no_api(alpha, beta, page_for):
    page, _row = come_in(page_for, alpha)
    value = page.cookies[cookie_name()].value
    other = page_for(beta)
    other.cookies[cookie_name()] = value
    assert other.get("/dashboard/").status_code == 302
    assert page.get("/api/v1/orders/").status_code in (401, 404)
    assert page.get("/api/v1/auth/user/").status_code == 401
    for odd in ("", "x", value[:-1], value.partition(".")[0], f"{'0' * 32}.{value.partition('.')[2]}", "a." * 900):
        forged = page_for(alpha)
        forged.cookies[cookie_name()] = odd
        assert forged.get("/dashboard/").status_code == 302


def test_the_owner_sees_the_visit_and_ends_it(alpha, page_for, client_for):
    page, row = come_in(page_for, alpha)
    owner = owner_of(alpha)
    shown = page_for(alpha, owner).get("/dashboard/operators/").content.decode()
    assert REASON in shown and Operator.email in shown and "There now" in shown
    (told,) = client_for(alpha, owner).get("/api/v1/operator-visits/").json()["results"]
    assert (told["operator"], told["person"], told["running"]) == (Operator.email, owner.email, True)
    assert page.get("/dashboard/").status_code == 200
    assert client_for(alpha, owner).delete(f"/api/v1/operator-visits/{row.pk}/").status_code == 204
    assert page.get("/dashboard/").status_code == 302
    assert client_for(alpha, owner).delete(f"/api/v1/operator-visits/{row.pk}/").status_code == 204
    row.refresh_from_db()
    assert row.ended_by == "owner"


def test_another_tenants_visits_are_not_there(alpha, beta, page_for, client_for):
    row, _address = begin(alpha)
    neighbour = owner_of(beta)
    assert client_for(beta, neighbour).get("/api/v1/operator-visits/").json()["results"] == []
    assert client_for(beta, neighbour).delete(f"/api/v1/operator-visits/{row.pk}/").status_code == 404
    assert REASON not in page_for(beta, neighbour).get("/dashboard/operators/").content.decode()
    assert client_for(alpha, make_user()).get("/api/v1/operator-visits/").status_code == 403


@pytest.mark.parametrize("what", ["right", "account", "person", "membership", "suspended"])
def test_whatever_it_rests_on_is_read_with_each_request(alpha, page_for, what):
    with in_tenant(alpha):
        from tenant_apps.staff import services as staff

        manager = make_user("manager@visits.test")
        staff.add_member(manager, staff.preset_role("manager"), actor=None)
    page, row = come_in(page_for, alpha, person_id=manager.pk)
    assert page.get("/dashboard/").status_code == 200
    if what == "right":
        User.objects.filter(pk=row.operator_id).update(is_staff=False)
    elif what == "account":
        User.objects.filter(pk=row.operator_id).update(is_active=False)
    elif what == "person":
        User.objects.filter(pk=manager.pk).update(is_active=False)
    elif what == "membership":
        with in_tenant(alpha):
            Membership.objects.filter(user=manager).delete()
    else:
        provisioning.suspend(alpha, reason=REASON)
    assert page.get("/dashboard/").status_code in (302, 403)


def test_it_takes_a_reason_a_member_and_an_open_site(alpha, client_for):
    operator, stranger = make_operator(), make_user()
    client = client_for(None, operator)
    address = "/api/v1/operators/tenants/alpha/visits/"
    for body, status, code in (
        ({}, 400, "invalid"),
        ({"reason": "help"}, 400, "reason_required"),
        ({"reason": "          .         "}, 400, "reason_required"),
        ({"reason": REASON, "minutes": 600}, 400, "invalid"),
        ({"reason": REASON, "person": stranger.pk}, 400, "not_staff_there"),
        ({"reason": REASON, "person": "owner"}, 400, "invalid"),
        ({"reason": REASON, "person": 2**62}, 400, "not_staff_there"),
    ):
        refused = client.post(address, body)
        assert (refused.status_code, refused.json()["code"]) == (status, code), body
    provisioning.suspend(alpha, reason=REASON)
    closed = client.post(address, {"reason": REASON})
    assert (closed.status_code, closed.json()["code"]) == (409, "tenant_not_open")
    assert not Impersonation.objects.exists()


def test_the_api_begins_lists_and_ends_visits(alpha, client_for, page_for):
    operator = make_operator()
    client = client_for(None, operator)
    begun = client.post("/api/v1/operators/tenants/alpha/visits/", {"reason": REASON, "minutes": 15}).json()
    assert begun["operator"] == operator.email and begun["person"] == owner_of(alpha).email and not begun["writes"]
    split = urlsplit(begun["url"])
    page = page_for(alpha)
    assert page.get(f"{split.path}?{split.query}").status_code == 302 and page.get("/dashboard/").status_code == 200
    (listed,) = client.get("/api/v1/operators/visits/").json()["results"]
    assert listed["id"] == begun["id"] and listed["tenant"] == "alpha" and "url" not in listed
    assert client.get(f"/api/v1/operators/visits/{begun['id']}/").json()["running"] is True
    assert client.delete(f"/api/v1/operators/visits/{begun['id']}/").status_code == 204
    assert page.get("/dashboard/").status_code == 302
    assert client.delete(f"/api/v1/operators/visits/{begun['id']}/").status_code == 204


def test_an_old_session_proves_anew_who_it_is(alpha, client_for, page_for):
    operator = make_operator()
    client, page = client_for(None, operator), page_for(None, operator)
    Session.objects.filter(user=operator).update(created_at=timezone.now() - timedelta(hours=2))
    refused = client.post("/api/v1/operators/tenants/alpha/visits/", {"reason": REASON})
    assert refused.status_code == 400
    wrong = client.post("/api/v1/operators/tenants/alpha/visits/", {"reason": REASON, "otp": "000000"})
    assert wrong.json()["code"] == "otp_invalid"
    form = {"visit-person": alpha.owner_id, "visit-reason": REASON, "visit-minutes": "15"}
    assert page.post("/operator/tenants/alpha/visit/", form).status_code == 400
    Session.objects.filter(user=operator).update(created_at=timezone.now())
    led = page.post("/operator/tenants/alpha/visit/", form)
    assert led.status_code == 302 and re.match(r"http://alpha\.localhost/operator/enter/\?code=", led["Location"])


def test_the_form_may_lead_to_the_tenants_host_and_no_other(alpha, page_for):
    policy = page_for(None, make_operator()).get("/operator/tenants/alpha/")["Content-Security-Policy"]
    (actions,) = re.findall(r"form-action ([^;]*)", policy)
    assert actions.split() == ["'self'", "http://alpha.localhost"]


def test_a_second_visit_ends_the_first(alpha, page_for):
    operator = make_operator()
    page, _row = come_in(page_for, alpha, operator)
    begin(alpha, operator)
    assert page.get("/dashboard/").status_code == 302


def test_nobody_begins_visits_without_end(alpha):
    from shared_apps.core.errors import TooManyRequests

    operator = make_operator()
    for _each in range(impersonation.MOST_AN_HOUR):
        begin(alpha, operator)
    with pytest.raises(TooManyRequests):
        begin(alpha, operator)


def test_a_visit_that_cannot_be_written_down_shows_nothing(alpha, page_for, monkeypatch):
    from django.db import OperationalError

    page, _row = come_in(page_for, alpha)

    def broken(*args, **kwargs):
        raise OperationalError("disk full")

    monkeypatch.setattr(impersonation, "note_request", broken)
    assert page.get("/dashboard/events/").status_code == 403
