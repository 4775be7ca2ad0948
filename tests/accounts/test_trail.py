"""What happens to an account is written down: for its owner, and for the platform's operators (P7)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.accounts import trail
from shared_apps.accounts.models import PlatformAuditEntry, User
from shared_apps.people import requests
from tenants import provisioning
from tenants.context import in_public
from tests.accounts.helpers import NEW_PASSWORD, code_in, code_of, letters_to, login, path_in, register
from tests.accounts.social import walk
from tests.accounts.test_second_factor import clock, guarded, login_with  # noqa: F401  (fixtures)
from tests.factories import PASSWORD, make_user

EVENTS = "/api/v1/me/security-events/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_seen_yet():
    trail._seen.clear()


def topics(user):
    return list(PlatformAuditEntry.objects.filter(user_id=user.pk).order_by("at", "id").values_list("topic", flat=True))


def last(topic):
    return PlatformAuditEntry.objects.filter(topic=topic).latest("at")


def test_a_login_and_a_refused_one_are_kept_with_where_from(client_for, alpha):
    user = make_user()
    assert login(client_for(alpha), user.email, "wrong-password", REMOTE_ADDR="10.9.8.7").status_code == 401
    entry = last("sign_in.refused")
    assert (entry.user_id, entry.actor_id, entry.refused) == (user.pk, None, True)
    assert (entry.address, entry.schema_name, entry.details["code"]) == ("10.9.8.7", "t_alpha", "invalid_credentials")
    done = login(client_for(alpha), user.email, HTTP_USER_AGENT="curl/8", HTTP_X_REQUEST_ID="find-this-login")
    assert done.status_code == 200
    entry = last("sign_in.done")
    assert (entry.user_id, entry.actor_id, entry.refused) == (user.pk, user.pk, False)
    assert (entry.request_id, entry.details["user_agent"]) == ("find-this-login", "curl/8")


def test_an_address_without_account_is_kept_nowhere_and_costs_the_same_statements(client_for):
    user, stranger = make_user(), "nobody-here@example.test"
    for path, body in (
        ("/api/v1/auth/login/", {"password": "wrong-password"}),
        ("/api/v1/auth/password/reset/", {}),
    ):
        asked = []
        for email in (user.email, stranger):
            with CaptureQueriesContext(
                connection,
            ) as seen:
                client_for().post(path, {"email": email, **body}, format="json")
            asked.append([each["sql"].split(" ")[0] for each in seen.captured_queries])
        assert asked[0] == asked[1]
    assert PlatformAuditEntry.objects.filter(topic="sign_in.refused", user_id=None).count() == 1
    assert PlatformAuditEntry.objects.filter(topic="password.reset_asked", user_id=None).count() == 1
    assert stranger not in str(list(PlatformAuditEntry.objects.values()))


def test_a_storm_beyond_the_limit_is_one_line_a_minute(client_for):
    user = make_user()
    answers = [login(client_for(), user.email, "wrong", REMOTE_ADDR=f"10.0.1.{n}").status_code for n in range(40)]
    assert answers == [401] * 10 + [429] * 30
    assert topics(user) == ["sign_in.refused"] * 10 + ["limit.reached"]
    assert last("limit.reached").details == {"limit": "login_account"}


def test_one_source_that_reaches_the_limits_of_many_accounts_writes_so_many_lines(client_for, settings):
    settings.ACCOUNT_LIMITS = {"reset_email": (1, 3600), "reset_source": (10_000, 3600)}
    for number in range(trail.MOST_OF_ONE_SOURCE + 5):
        for _twice in range(2):
            client_for().post("/api/v1/auth/password/reset/", {"email": f"n{number}@example.test"}, format="json")
    assert PlatformAuditEntry.objects.filter(topic="limit.reached").count() == trail.MOST_OF_ONE_SOURCE


def test_the_life_of_an_account_is_told_in_order(client_for):
    email = "life@example.test"
    register(client_for(), email)
    code = code_in(letters_to(email)[0])
    client_for().post("/api/v1/auth/registration/verify-email/", {"email": email, "code": code}, format="json")
    user = User.objects.by_email(email)
    client = client_for(user=user)
    wrong = {"old_password": "not-this-one-at-all", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post("/api/v1/auth/password/change/", wrong, format="json").status_code == 400
    right = {**wrong, "old_password": "a-long-test-password"}
    pair = client.post("/api/v1/auth/password/change/", right, format="json").json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.post("/api/v1/me/export/").status_code in (200, 201, 202)
    client.post("/api/v1/auth/logout-all/")
    assert topics(user) == [
        "account.confirmed",
        "proof.refused",
        "password.changed",
        "sessions.ended",
        "data.export_asked",
        "sessions.ended",
    ]


def test_a_reset_by_a_link_is_kept(client_for):
    user = make_user()
    client_for().post("/api/v1/auth/password/reset/", {"email": user.email}, format="json")
    uid, token = path_in(letters_to(user.email)[0]).strip("/").split("/")[-2:]
    body = {"uid": uid, "token": token, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client_for().post("/api/v1/auth/password/reset/confirm/", body, format="json").status_code == 200
    assert topics(user) == ["password.reset_asked", "password.reset", "sessions.ended"]


def test_two_step_login_is_told_of(client_for, guarded):  # noqa: F811  (the fixture of that name)
    assert login_with(client_for(), guarded).status_code == 401
    assert login_with(client_for(), guarded, "000000").status_code == 401
    assert login_with(client_for(), guarded, guarded.recovery_codes[0]).status_code == 200
    guarded.client.post("/api/v1/auth/mfa/recovery-codes/", {"password": PASSWORD}, format="json")
    guarded.client.delete("/api/v1/auth/mfa/totp/", {"password": PASSWORD}, format="json")
    assert topics(guarded.user) == [
        "totp.on",
        "sign_in.code_asked",
        "sign_in.refused",
        "totp.code_used",
        "sign_in.done",
        "totp.new_codes",
        "totp.off",
    ]
    assert last("sign_in.refused").details["code"] == "otp_invalid"


def test_a_change_of_address_tells_both(client_for):
    user = make_user()
    before, client = user.email, client_for(user=user)
    client.post("/api/v1/auth/email/change/", {"password": PASSWORD, "email": "after@example.test"}, format="json")
    code = code_in(letters_to("after@example.test")[0])
    assert client.post("/api/v1/auth/email/change/confirm/", {"code": code}, format="json").status_code == 200
    entry = last("email.changed")
    assert entry.details == {"before": {"email": before}, "after": {"email": "after@example.test"}}
    assert "after@example.test" not in str(last("email.change_asked").details), "nobody had proved it yet"


def test_a_session_that_is_ended_and_a_token_that_comes_back_are_kept(client_for):
    user = make_user()
    pair = login(client_for(), user.email).json()
    first = pair["refresh"]
    for _twice in range(2):
        pair = client_for().post("/api/v1/auth/token/refresh/", {"refresh": pair["refresh"]}, format="json").json()
    again = client_for().post("/api/v1/auth/token/refresh/", {"refresh": first}, format="json")
    assert again.status_code == 401
    entry = last("session.copied")
    assert entry.refused and entry.target.startswith("accounts.session:")
    other = login(client_for(), user.email).json()
    client_for().post("/api/v1/auth/logout/", {"refresh": other["refresh"]}, format="json")
    assert topics(user) == ["sign_in.done", "session.copied", "sign_in.done", "session.ended"]


def test_a_person_reads_their_own_history_and_nobody_elses(client_for, page_for, alpha):
    user, other = make_user(), make_user()
    login(client_for(), other.email, "wrong", REMOTE_ADDR="10.4.4.4")
    login(client_for(), user.email, "wrong", REMOTE_ADDR="10.5.5.5")
    for client in (client_for(user=user), client_for(alpha, user)):
        answer = client.get(EVENTS)
        assert answer.status_code == 200
        (event,) = answer.json()["results"]
        assert event.keys() == {"id", "at", "topic", "title", "refused", "by", "address", "device"}
        assert (event["topic"], event["refused"], event["by"]) == ("sign_in.refused", True, "unknown")
        assert (event["title"], event["address"]) == ("Login refused", "10.5.5.5")
    assert client_for().get(EVENTS).status_code == 401
    shown = page_for(alpha, user).get("/account/security/history/").content.decode()
    assert "10.5.5.5" in shown and "10.4.4.4" not in shown
    assert "/account/security/history/" in page_for(user=user).get("/account/security/").content.decode()


def test_pages_of_the_history_follow_each_other(client_for, page_for):
    user = make_user()
    for _each in range(60):
        trail.note("sign_in.done", user.pk)
    page = page_for(user=user)
    assert page.get("/account/security/history/").content.decode().count("<time") == 50
    assert page.get("/account/security/history/?page=2").content.decode().count("<time") == 10
    for odd in ("0", "-1", "x", "99999999999999999999", "²"):
        assert page.get("/account/security/history/", {"page": odd}).status_code == 200
    first = client_for(user=user).get(EVENTS, {"page_size": 40}).json()
    assert len(first["results"]) == 40
    assert len(client_for(user=user).get(first["next"]).json()["results"]) == 20


def test_what_becomes_of_a_tenant_is_kept(db):
    owner = make_user()
    tenant = provisioning.open_tenant(name="Trail", slug="trail-tenant", owner=owner)
    provisioning.suspend(tenant)
    provisioning.resume(tenant)
    provisioning.close(tenant)
    assert topics(owner) == ["tenant.opened", "tenant.suspended", "tenant.resumed", "tenant.closed"]
    entry = last("tenant.suspended")
    assert (entry.target, entry.actor_id) == (f"tenants.tenant:{tenant.pk}", None)
    assert entry.details["before"] == {"status": "open"}
    assert entry.details["after"] == {"status": "suspended"}


def test_an_operators_acts_are_told_as_theirs(page_for, monkeypatch):
    operator, user = make_user(), make_user()
    User.objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    admin = page_for(user=operator)
    body = {"action": "log_out", "_selected_action": [user.pk]}
    assert admin.post("/admin/accounts/user/", body).status_code == 302
    form = {"name": "Another", "language": "", "timezone": ""}
    assert admin.post(f"/admin/accounts/user/{user.pk}/change/", form).status_code == 302
    mine = PlatformAuditEntry.objects.filter(user_id=user.pk).order_by("at", "id")
    assert [(each.topic, each.actor_id) for each in mine] == [
        ("sessions.ended", operator.pk),
        ("account.closed", operator.pk),
        ("sessions.ended", operator.pk),
        ("account.changed", operator.pk),
    ]
    assert mine.last().details["before"] == {"is_active": True}
    assert mine.last().details["after"] == {"is_active": False}
    assert trail.who(mine.last()) == "operator"
    monkeypatch.setenv("CSU_EMAIL", "boss@example.test")
    monkeypatch.setenv("CSU_PASSWORD", "a-very-long-password")
    call_command("csu")
    assert topics(User.objects.by_email("boss@example.test")) == ["account.operator_made"]


def test_operators_read_the_whole_trail_and_change_nothing_of_it(page_for):
    operator, user = make_user(), make_user()
    User.objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    trail.note("password.changed", user.pk, address="10.6.6.6")
    trail.note("totp.on", operator.pk)
    entry, admin = last("password.changed"), page_for(user=operator)
    listed = admin.get("/admin/accounts/platformauditentry/").content.decode()
    assert user.email in listed and "10.6.6.6" in listed
    found = admin.get("/admin/accounts/platformauditentry/", {"q": user.email}).content.decode()
    assert "password.changed" in found and "10.6.6.6" in found
    assert "Select all" not in found
    narrowed = admin.get("/admin/accounts/platformauditentry/", {"topic__exact": "totp.on"}).content.decode()
    assert "10.6.6.6" not in narrowed
    address = f"/admin/accounts/platformauditentry/{entry.pk}/"
    assert admin.get(f"{address}change/").status_code == 200
    assert admin.post(f"{address}change/", {"topic": "x"}).status_code == 403
    assert admin.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    assert admin.get("/admin/accounts/platformauditentry/add/").status_code == 403
    assert page_for(user=user).get("/admin/accounts/platformauditentry/").status_code in (302, 404)


def test_api_keys_stand_in_their_makers_history(client_for, alpha):
    from tenant_apps.activity.delivery import deliver_due
    from tenants.context import in_tenant
    from tests.factories import owner_of

    owner = owner_of(alpha)
    client = client_for(alpha, owner)
    made = client.post("/api/v1/api-keys/", {"name": "Till", "scopes": ["view_orders"]}, format="json").json()
    client.delete(f"/api/v1/api-keys/{made['id']}/")
    with in_tenant(alpha):
        for _twice in range(2):
            deliver_due()
    program = client_for(alpha)
    program.credentials(HTTP_AUTHORIZATION=f"Token {made['key']}")
    refused = program.get("/api/v1/orders/")
    assert (refused.status_code, code_of(refused)) == (401, "key_revoked")
    assert topics(owner)[-3:] == ["api_key.made", "api_key.revoked", "api_key.refused"]
    assert made["key"][-43:] not in str(list(PlatformAuditEntry.objects.values()))
    (line,) = client.get("/api/v1/audit/", {"topic": "api_key.refused"}).json()["results"]
    assert (line["actor_id"], line["refused"]) == (None, True)
    assert line["details"]["code"] == "key_revoked" and made["prefix"] in line["details"]["key"]


def test_an_erased_person_leaves_no_address_and_no_device_in_the_trail():
    user = make_user()
    trail.note("sign_in.done", user.pk, address="10.7.7.7", user_agent="Firefox/1")
    trail.note("email.changed", user.pk, before={"email": "old@example.test"}, after={"email": user.email})
    with in_public():
        request = requests.ask_for_erasure(user, PASSWORD, session=None)
        while requests.work(request.pk):
            pass
    rows = list(PlatformAuditEntry.objects.filter(user_id=user.pk))
    assert {"sign_in.done", "email.changed", "data.erasure_asked"} <= {row.topic for row in rows}
    assert all(row.address is None and row.details == {} for row in rows)


def test_old_entries_are_dropped_after_the_days_that_the_setting_says(settings):
    settings.PLATFORM_AUDIT_DAYS = 30
    user, now = make_user(), timezone.now()
    for days in (10, 29, 31, 400):
        trail.note("sign_in.done", user.pk)
        PlatformAuditEntry.objects.filter(pk=last("sign_in.done").pk).update(at=now - timedelta(days=days))
    assert trail.forget_old(now) == 2
    assert topics(user) == ["sign_in.done"] * 2
    assert trail.forget_old(now) == 0


def test_what_another_services_word_did_is_kept(page_for, client_for, provider):
    user, closed = make_user(), make_user()
    for person in (user, closed):
        provider.knows(f"sub-{person.pk}", email=person.email, email_verified=True)
        browser = page_for()
        walk(browser, browser, f"sub-{person.pk}")
    assert topics(user) == ["social.linked", "sign_in.done"]
    assert last("social.linked").details == {"provider": "mock"}
    User.objects.filter(pk=closed.pk).update(is_active=False)
    browser = page_for()
    walk(browser, browser, f"sub-{closed.pk}")
    entry = last("sign_in.refused")
    assert (entry.user_id, entry.refused) == (closed.pk, True)
    assert entry.details == {"provider": "mock", "code": "identity_invalid"}
    client_for().post("/api/v1/auth/social/mock/", {"id_token": "nonsense"}, format="json")
    assert last("sign_in.refused").user_id is None
