"""API keys: a program acts as itself, within its scopes, until it is stopped."""

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders.models import Order
from tenant_apps.staff import keys, services
from tenant_apps.staff.actors import KeyActor
from tenant_apps.staff.models import ApiKey
from tenant_apps.staff.permissions import PERMISSIONS, allowed, events_where, is_staff_here, permissions_of
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of
from tests.staff.people import member, membership_of

KEYS = "/api/v1/api-keys/"


def code(response):
    return response.status_code, response.json()["code"]


@pytest.fixture
def program(client_for):
    """Makes programs: `program(tenant, text)` calls with that key."""

    def make(tenant, text):
        client = client_for(tenant)
        client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
        return client

    return make


@pytest.fixture
def key_with(alpha, program):
    """Makes a key of alpha's owner with these scopes and returns the program that has it."""

    def make(*scopes, **options):
        with in_tenant(alpha):
            made, text = keys.make_key(name="Till", scopes=scopes, actor=owner_of(alpha), **options)
        client = program(alpha, text)
        client.key, client.text = made, text
        return client

    return make


def test_a_key_is_made_shown_once_used_and_stopped(alpha, owner, program):
    made = owner.post(KEYS, {"name": "Till", "scopes": ["view_orders", "check_in"]})
    assert made.status_code == 201, made.content
    text = made.json()["key"]
    assert text.startswith(f"foyer_{made.json()['prefix']}_") and len(text) == 60
    (listed,) = owner.get(KEYS).json()["results"]
    assert "key" not in listed and "digest" not in listed
    assert (listed["scopes"], listed["events"], listed["last_used_at"]) == (["check_in", "view_orders"], None, None)
    with in_tenant(alpha):
        assert ApiKey.objects.get().digest == hashlib.sha256(text.encode()).hexdigest()
        assert text[-43:] not in str(list(ApiKey.objects.values()))
        assert text[-43:] not in str(list(AuditEntry.objects.values()))
        make_paid_order()
    till = program(alpha, text)
    assert len(till.get("/api/v1/orders/").json()["results"]) == 1
    assert owner.get(f"{KEYS}{listed['id']}/").json()["last_used_at"] is not None
    assert owner.delete(f"{KEYS}{listed['id']}/").status_code == 204
    assert code(till.get("/api/v1/orders/")) == (401, "key_revoked")
    assert owner.get(KEYS).json()["results"] == []
    assert owner.delete(f"{KEYS}{listed['id']}/").status_code == 404


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_key_holds_its_scope_and_nothing_else(alpha, key_with, permission):
    made = key_with(permission).key
    with in_tenant(alpha):
        actor = KeyActor(made)
        event = make_event()
        for each in PERMISSIONS:
            assert allowed(actor, each) is (each == permission)
            assert allowed(actor, each, event) is (each == permission)


def test_routes_open_to_scopes_and_to_nothing_more(alpha, key_with):
    with in_tenant(alpha):
        event = make_event()
    reader = key_with("view_orders")
    assert reader.get(f"/api/v1/events/{event.slug}/orders/").status_code == 200
    assert code(reader.patch(f"/api/v1/events/{event.slug}/", {"title": "Mine"})) == (403, "forbidden")
    assert code(reader.get("/api/v1/staff/")) == (403, "forbidden")
    assert key_with("change_event").patch(f"/api/v1/events/{event.slug}/", {"title": "Ours"}).status_code == 200
    assert key_with("manage_staff").get("/api/v1/staff/").status_code == 200


def test_a_key_for_one_event_sees_that_event(alpha, owner, program):
    with in_tenant(alpha):
        mine, other = make_event(published=False), make_event(published=False)
        order = make_paid_order(make_ticket_type(make_event()))
    made = owner.post(KEYS, {"name": "Gate", "scopes": ["check_in", "change_event"], "events": [mine.slug]})
    assert made.json()["events"] == [mine.slug]
    gate = program(alpha, made.json()["key"])
    assert [row["slug"] for row in gate.get("/api/v1/events/?status=draft").json()["results"]] == [mine.slug]
    assert gate.patch(f"/api/v1/events/{mine.slug}/", {"title": "Ours"}).status_code == 200
    assert gate.get(f"/api/v1/events/{other.slug}/").status_code == 404
    assert gate.post("/api/v1/events/", {"title": "X", "starts_at": "2027-05-31T19:30"}).status_code == 403
    assert gate.get(f"/api/v1/orders/{order.code}/").status_code == 404
    with in_tenant(alpha):
        actor = KeyActor(ApiKey.objects.get())
        assert list(events_where(actor, "check_in")) == [mine]
        assert not events_where(actor, "view_orders").exists()
        assert permissions_of(actor) == frozenset()
        mine.delete()
    assert gate.get("/api/v1/events/?status=draft").json()["results"] == []


def test_no_key_exceeds_its_maker(alpha, client_for, owner, key_with):
    with in_tenant(alpha):
        manager = services.preset_role("manager")
        manager.permissions = ["manage_integrations", "check_in", "view_orders"]
        manager.save()
    boss = member(alpha, "manager")
    client = client_for(alpha, boss)
    refused = client.post(KEYS, {"name": "Big", "scopes": ["check_in", "manage_staff"]})
    assert code(refused) == (403, "more_than_held")
    made = client.post(KEYS, {"name": "Small", "scopes": ["check_in", "view_orders"]}).json()
    with in_tenant(alpha):
        actor = KeyActor(ApiKey.objects.get(pk=made["id"]))
        assert permissions_of(actor) == {"check_in", "view_orders"}
        services.change_role(membership_of(alpha, boss), services.preset_role("door"), actor=None)
        assert permissions_of(actor) == {"check_in"}


def test_a_key_stops_when_its_maker_leaves_or_is_locked_out(alpha, client_for, program):
    with in_tenant(alpha):
        boss = owner_of(alpha)
        leaver = make_user()
        place = services.add_member(leaver, services.preset_role("owner"), actor=None)
        _made, text = keys.make_key(name="Till", scopes=["view_orders"], actor=leaver)
    till = program(alpha, text)
    assert till.get("/api/v1/orders/").status_code == 200
    leaver.is_active = False
    leaver.save()
    assert code(till.get("/api/v1/orders/")) == (401, "key_revoked")
    leaver.is_active = True
    leaver.save()
    assert till.get("/api/v1/orders/").status_code == 200
    assert client_for(alpha, boss).delete(f"/api/v1/staff/{place.pk}/").status_code == 204
    assert code(till.get("/api/v1/orders/")) == (401, "key_revoked")
    with in_tenant(alpha):
        services.add_member(leaver, services.preset_role("owner"), actor=None)
        assert AuditEntry.objects.filter(topic="api_key.revoked").count() == 1
    assert code(till.get("/api/v1/orders/")) == (401, "key_revoked")


def test_bad_keys_have_codes_that_stay(alpha, beta, key_with, program, client_for):
    till = key_with("view_orders", expires_at=timezone.now() + timedelta(hours=1))
    good = till.text
    for text in ("", "x", good[:-1], good + "x", good.upper(), f"Bearer {good}", "foyer_", "☃"):
        client = client_for(alpha)
        client.credentials(HTTP_AUTHORIZATION=f"Token {text}".encode().decode("latin-1"))
        assert code(client.get("/api/v1/events/")) == (401, "key_malformed"), text
    other_secret = good[:-6] + ("AAAAAA" if not good.endswith("AAAAAA") else "BBBBBB")
    other_prefix = good.replace(till.key.prefix, "0000000000")
    for text in (other_secret, other_prefix):
        assert code(program(alpha, text).get("/api/v1/events/")) == (401, "key_unknown")
    # On a neighbour's host and on the platform's it is a text like any other.
    assert code(program(beta, good).get("/api/v1/events/")) == (401, "key_unknown")
    assert code(program(None, good).get("/api/v1/tenants/")) == (401, "key_unknown")
    with in_tenant(alpha):
        ApiKey.objects.update(expires_at=timezone.now())
    refused = till.get("/api/v1/events/")
    assert code(refused) == (401, "key_expired")
    assert refused["WWW-Authenticate"]


def test_a_key_object_means_nothing_in_another_tenant(alpha, beta):
    with in_tenant(alpha):
        boss = make_user()
        services.add_member(boss, services.preset_role("owner"), actor=None)
        made, _text = keys.make_key(name="Till", scopes=["view_orders"], actor=boss)
        actor = KeyActor(made)
    with in_tenant(beta):
        services.add_member(boss, services.preset_role("owner"), actor=None)
        event = make_event()
        assert not allowed(actor, "view_orders") and not allowed(actor, "view_orders", event)
        assert not events_where(actor, "view_orders").exists()


def test_a_program_does_nothing_that_is_for_people(alpha, key_with, owner):
    till = key_with(*PERMISSIONS)
    for path in ("/api/v1/auth/user/", "/api/v1/bookings/"):
        assert code(till.get(path)) == (403, "person_required"), path
    assert code(till.post("/api/v1/auth/password/change/", {})) == (403, "person_required")
    assert code(till.post(KEYS, {"name": "More", "scopes": ["check_in"]})) == (403, "person_required")
    assert code(till.delete(f"{KEYS}{till.key.pk}/")) == (403, "person_required")
    assert code(till.post("/api/v1/staff/invitations/accept/", {"token": "x"})) == (403, "person_required")
    with in_tenant(alpha):
        first = membership_of(alpha, owner_of(alpha)).pk
    assert code(till.post(f"/api/v1/staff/{first}/make-owner/", {"password": "x"})) == (403, "person_required")
    assert till.get(KEYS).status_code == 200


def test_a_program_is_nobodys_buyer(alpha, key_with):
    """Orders of guests belong to nobody; a program is not that nobody."""
    with in_tenant(alpha):
        order = make_order(make_ticket_type())
        assert order.user_id is None
        kind = make_ticket_type(price_minor=0)
    scanner = key_with("check_in")
    assert scanner.get(f"/api/v1/orders/{order.code}/").status_code == 404
    assert code(scanner.get("/api/v1/orders/")) == (403, "forbidden")
    body = {"email": "guest@example.test", "lines": [{"ticket_type": kind.pk, "quantity": 1}]}
    bought = scanner.post("/api/v1/orders/", body, headers={"Idempotency-Key": "one"})
    assert bought.status_code == 201, bought.content
    with in_tenant(alpha):
        assert Order.objects.get(code=bought.json()["code"]).user_id is None
    booked = scanner.post(f"/api/v1/events/{kind.event_id}/book/", {"seats": 1}, headers={"Idempotency-Key": "two"})
    assert booked.status_code == 400


def test_the_audit_trail_names_the_key(alpha, key_with):
    with in_tenant(alpha):
        event = make_event()
    editor = key_with("change_event")
    assert editor.patch(f"/api/v1/events/{event.slug}/", {"title": "Renamed"}).status_code == 200
    with in_tenant(alpha):
        entry = AuditEntry.objects.filter(target=f"events.event:{event.pk}").latest("at")
    assert entry.actor == f"API key Till ({editor.key.prefix})"
    assert entry.actor_id == -editor.key.pk


def test_the_last_use_is_written_once_a_minute(alpha, key_with):
    till = key_with("view_orders")
    till.get("/api/v1/orders/")
    with in_tenant(alpha):
        first = ApiKey.objects.get().last_used_at
    with CaptureQueriesContext(connection) as asked:
        till.get("/api/v1/orders/")
    assert not [each for each in asked.captured_queries if each["sql"].startswith("UPDATE")]
    with in_tenant(alpha):
        assert ApiKey.objects.get().last_used_at == first
        ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    till.get("/api/v1/orders/")
    with in_tenant(alpha):
        assert ApiKey.objects.get().last_used_at > first


def test_each_key_has_a_limit_of_its_own(alpha, key_with, settings):
    settings.API_RATE_PER_MINUTE = 3
    one, two = key_with("view_orders"), key_with("view_orders")
    assert [one.get("/api/v1/orders/").status_code for _call in range(4)] == [200, 200, 200, 429]
    assert two.get("/api/v1/orders/").status_code == 200


def test_no_program_opens_the_pages(alpha, page_for, key_with):
    till = key_with(*PERMISSIONS)
    page = page_for(alpha).get("/dashboard/", headers={"Authorization": f"Token {till.text}"})
    assert page.status_code == 302
    with in_tenant(alpha):
        assert not is_staff_here(KeyActor(till.key))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"scopes": []},
        {"scopes": ["fly"]},
        {"scopes": "check_in"},
        {"events": []},
        {"events": ["no-such-event"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "soon"},
        {"scopes": ["manage_staff"], "events": ["{event}"]},
    ],
)
def test_bad_keys_are_not_made(alpha, owner, change):
    with in_tenant(alpha):
        slug = make_event().slug
    change = {name: [slug] if value == ["{event}"] else value for name, value in change.items()}
    assert owner.post(KEYS, {"name": "Till", "scopes": ["check_in"], **change}).status_code == 400
    with in_tenant(alpha):
        assert not ApiKey.objects.exists()


def test_a_draft_of_a_neighbour_cannot_be_named(alpha, beta, owner):
    with in_tenant(beta):
        theirs = make_event(slug="only-theirs")
    refused = owner.post(KEYS, {"name": "Till", "scopes": ["check_in"], "events": [theirs.slug]})
    assert refused.json()["errors"][0]["code"] == "does_not_exist"


def test_a_maker_who_owes_a_second_factor_holds_nothing_and_so_does_the_key(alpha, key_with):
    till = key_with("view_orders")
    assert till.get("/api/v1/orders/").status_code == 200
    alpha.preferences = {**alpha.preferences, "require_2fa_for_staff": True}
    alpha.save()
    assert code(till.get("/api/v1/orders/")) == (403, "forbidden")
