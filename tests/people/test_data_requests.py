"""A person takes their data along, or ends it, over all tenants (P3)."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from shared_apps.accounts.models import Session, User
from shared_apps.core import personal
from shared_apps.people import requests
from shared_apps.people.models import BoughtOrder, DataRequest, DataRequestStep
from tenants.context import in_public, in_tenant
from tests.factories import PASSWORD, make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

ADA = "ada@example.test"
BOB = "bob@example.test"


@pytest.fixture
def ada(db):
    return make_user(ADA, name="Ada Lovelace")


@pytest.fixture
def bought(alpha, beta, ada):
    """Ada: three tickets at alpha (one for Bob), an order as a guest at beta. Bob: an order with Ada's name on it."""
    from tenant_apps.orders.checkout import Attendee, Basket, BasketLine, place_order
    from tenant_apps.orders.services import change_contact
    from tenant_apps.payments.services import mark_paid
    from tenant_apps.ticketing.codes import code_text
    from tenant_apps.ticketing.scanning import scan
    from tenant_apps.ticketing.services import ensure_door

    with in_tenant(alpha):
        ticket_type = make_ticket_type(make_event("Night of Strings"), price_minor=2500)
        lines = [BasketLine(ticket_type.pk, 3, [Attendee(), Attendee("Bob Builder", BOB), Attendee("=Ada", ADA)])]
        order = place_order(Basket(ADA, lines, name="Ada Lovelace"), user=ada, actor=ada)
        mark_paid(order)
        change_contact(order, actor=owner_of(alpha), email=ADA, name="Ada King")
        mine = place_order(Basket(BOB, [BasketLine(ticket_type.pk, 1, [Attendee("Ada K.", ADA)])], name="Bob Builder"))
        mark_paid(mine)
        ensure_door(ticket_type.event)
        entrance = ticket_type.event.check_in_lists.get()
        scan(entrance, code_text(order.lines.select_related("ticket__event").first().ticket), "one", by=owner_of(alpha))
    with in_tenant(beta):
        guest = make_paid_order(make_ticket_type(make_event("Open Day"), price_minor=500), email="Ada@Example.test")
    return order, mine, guest


def everything(*tenants):
    """All text of all tables, as Postgres has it."""
    found = []
    for tenant in (None, *tenants):
        schema = tenant.schema_name if tenant else "public"
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [schema])
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT to_jsonb(t)::text FROM "{schema}"."{table}" t')
                found += [f"{schema}.{table} {row}" for (row,) in cursor.fetchall()]
                cursor.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
                    " AND data_type = 'bytea'", [schema, table]
                )  # fmt: skip
                for (column,) in cursor.fetchall():
                    cursor.execute(f'SELECT "{column}" FROM "{schema}"."{table}" WHERE "{column}" IS NOT NULL')
                    found += [f"{schema}.{table} {bytes(row)!r}" for (row,) in cursor.fetchall()]
    return found


def naming(text, *tenants):
    return [row[:300] for row in everything(*tenants) if text.lower() in row.lower()]


def money_and_counts(*tenants):
    from tenant_apps.orders.models import Order, OrderLine
    from tenant_apps.payments.models import LedgerEntry, Payment
    from tenant_apps.ticketing.models import CheckIn, Quota, Ticket

    found = []
    for tenant in tenants:
        with in_tenant(tenant):
            found.append((
                list(Order.objects.order_by("pk").values_list("pk", "code", "status", "total_minor", "refunded_minor")),
                list(OrderLine.objects.order_by("pk").values_list("pk", "total_minor", "status", "ticket_id")),
                list(Ticket.objects.order_by("pk").values_list("pk", "token", "status", "price_minor")),
                list(Payment.objects.order_by("pk").values_list("pk", "status", "captured_minor")),
                list(LedgerEntry.objects.order_by("pk").values_list("pk", "amount_minor")),
                list(Quota.objects.order_by("pk").values_list("pk", "held", "sold")),
                list(CheckIn.objects.order_by("pk").values_list("pk", "result")),
            ))  # fmt: skip
    return found


def tables_of(archive):
    opened = zipfile.ZipFile(io.BytesIO(archive))
    assert opened.testzip() is None
    return {name: opened.read(name).decode("utf-8-sig") for name in opened.namelist() if not name.endswith(".webp")}


def test_the_archive_holds_what_is_ones_own_at_every_tenant_and_nothing_of_anybody_else(alpha, beta, ada, bought):
    order, _mine, guest = bought
    request = requests.ask_for_export(ada)
    requests.work(request.pk)
    request.refresh_from_db()
    assert request.status == "ready" and request.expires_at - request.finished_at == timedelta(days=7)
    files = tables_of(requests.archive_of(ada, request.pk))
    assert {"README.txt", "account/profile.json", "alpha/orders.json", "alpha/orders.csv", "alpha/tickets.json",
            "alpha/check_ins.json", "alpha/payments.json", "alpha/audit.json",
            "beta/orders.json"} <= set(files)  # fmt: skip
    assert json.loads(files["account/profile.json"])[0]["email"] == ADA
    [at_alpha] = json.loads(files["alpha/orders.json"])
    assert at_alpha["code"] == order.code and at_alpha["total_minor"] == 7500 and at_alpha["currency"] == "EUR"
    assert [line["attendee_email"] for line in at_alpha["lines"]] == [None, None, ADA]
    assert [row["code"] for row in json.loads(files["beta/orders.json"])] == [guest.code]
    assert len(json.loads(files["alpha/tickets.json"])) == 4, "three of her order, and the one that Bob bought for her"
    assert [row["result"] for row in json.loads(files["alpha/check_ins.json"])] == ["admitted"]
    whole = "".join(files.values())
    assert order.secret not in whole and ada.password not in whole
    for foreign in (BOB, "Bob Builder", owner_of(alpha).email):
        assert foreign not in whole, foreign
    rows = list(csv.DictReader(io.StringIO(files["alpha/tickets.csv"])))
    assert "'=Ada" in {row["holder_name"] for row in rows}, "a formula is none in a spreadsheet"


def test_a_stranger_with_the_same_address_unconfirmed_gets_no_guest_orders(alpha, beta, bought):
    User.objects.filter(email=ADA).update(email_verified_at=None)
    ada = User.objects.get(email=ADA)
    request = requests.ask_for_export(ada)
    requests.work(request.pk)
    assert "beta/orders.json" not in tables_of(requests.archive_of(ada, request.pk))


def test_asking_again_while_one_runs_finds_it(alpha, beta, ada):
    assert requests.ask_for_export(ada).pk == requests.ask_for_export(ada).pk


def test_an_archive_is_its_owners_for_seven_days(alpha, beta, ada, client_for, bought):
    client = client_for(None, ada)
    asked = client.post("/api/v1/me/export/")
    assert asked.status_code == 202 and asked.json()["status"] == "running"
    address = f"/api/v1/me/exports/{asked.json()['id']}/"
    assert client.get(f"{address}download/").status_code == 404, "it is not ready"
    total = DataRequestStep.objects.count()
    assert client.get(address).json()["progress"] == {"done": 0, "total": total, "failing": []}
    requests.work(asked.json()["id"])
    told = client.get(address).json()
    assert told["status"] == "ready" and told["progress"]["done"] == total and told["expires_at"]
    file = client.get(told["download_url"])
    assert file.status_code == 200 and file["Content-Type"] == "application/zip"
    assert file["Cache-Control"] == "no-store" and file["X-Content-Type-Options"] == "nosniff"
    assert "attachment" in file["Content-Disposition"] and tables_of(file.content)
    for other in (client_for(None, make_user()), client_for(alpha, owner_of(alpha))):
        assert other.get(address).status_code == other.get(f"{address}download/").status_code == 404
    assert client_for().get(f"{address}download/").status_code == 401
    DataRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"{address}download/").status_code == 404
    requests.forget_old()
    assert client.get(address).json()["status"] == "expired"
    assert DataRequest.objects.get().archive is None


def erase(ada):
    return requests.ask_for_erasure(ada, PASSWORD, session=None)


def test_after_an_erasure_no_row_of_any_table_names_the_person_and_no_money_has_moved(
    alpha, beta, ada, bought, deliver
):
    deliver(alpha, beta)
    Session.objects.create(user=ada, refresh_jti=ada.pk and "0" * 32, expires_at=timezone.now() + timedelta(days=1))
    with in_tenant(alpha):
        from tenant_apps.activity.services import record

        record("order.note", bought[1], actor=owner_of(alpha), details={"text": f"called {ADA.upper()}, will come"},
               payload={"to": [ADA]})  # fmt: skip
    before = money_and_counts(alpha, beta)
    assert naming(ADA, alpha, beta) and naming("Ada King", alpha)
    request = erase(ada)
    requests.work(request.pk)
    request.refresh_from_db()
    assert request.status == "done"
    for name in (ADA, "Ada Lovelace", "Ada King", "Ada K."):
        assert naming(name, alpha, beta) == [], name
    assert money_and_counts(alpha, beta) == before
    assert naming(BOB, alpha) and naming("Bob Builder", alpha), "his own data stay"
    gone = User.objects.get(pk=ada.pk)
    assert not gone.is_active and not gone.has_usable_password() and personal.is_erased(gone.email)
    assert not Session.objects.filter(user=gone).exists() and not BoughtOrder.objects.filter(user=gone).exists()


def test_invariants_hold_after_an_erasure(alpha, beta, ada, bought):
    from django.core.management import call_command

    requests.work(erase(ada).pk)
    call_command("check_invariants")
    call_command("find_orphans")


def test_doing_it_twice_changes_nothing(alpha, beta, ada, bought):
    request = erase(ada)
    requests.work(request.pk)
    once = everything(alpha, beta)
    with in_tenant(alpha):
        person = personal.located(requests.person_of(request), {"orders", "ticketing", "activity", "payments"})
        for holding in personal.holdings({"orders", "ticketing", "activity", "payments", "events", "staff"}):
            if holding.erase:
                holding.erase(person)
    assert sorted(once) == sorted(everything(alpha, beta))


@pytest.mark.parametrize("killed_at", range(4))
def test_killed_at_any_point_it_is_taken_up_and_ends_complete(alpha, beta, ada, bought, killed_at, monkeypatch):
    """Killed after so many steps, in the middle of one: what had begun in that tenant is rolled back."""
    real, seen = requests._part, []

    class Killed(BaseException):
        pass

    def dies(step, labels):
        if len(seen) == killed_at:
            real(step, labels)
            raise Killed
        seen.append(step.pk)
        return real(step, labels)

    request = erase(ada)
    monkeypatch.setattr(requests, "_part", dies)
    if killed_at < DataRequestStep.objects.count():
        with pytest.raises(Killed):
            requests.work(request.pk)
    monkeypatch.setattr(requests, "_part", real)
    request.refresh_from_db()
    assert request.status == "running" or killed_at >= 3
    assert not requests.work(request.pk), "its lease holds yet"
    DataRequestStep.objects.filter(done_at=None).update(due_at=timezone.now())
    requests.work(request.pk)
    request.refresh_from_db()
    assert request.status == "done" and request.email == ""
    assert naming(ADA, alpha, beta) == []


def test_one_tenants_failure_is_shown_tried_again_and_keeps_no_other_waiting(
    alpha, beta, ada, bought, monkeypatch, client_for
):
    real = personal._known.holdings["orders"]
    monkeypatch.setitem(
        personal._known.holdings, "orders", real.__class__(**{**vars(real), "erase": _breaks_at(alpha, real)})
    )
    request = erase(ada)
    requests.work(request.pk)
    request.refresh_from_db()
    assert request.status == "running"
    schemas = {row.partition(".")[0] for row in naming(ADA, alpha, beta)}
    assert schemas == {"public", "t_alpha"}, "beta did not wait"
    told = client_for().get(f"/api/v1/me/erasure/{request.secret}/").json()
    assert told["status"] == "running"
    assert told["progress"]["failing"] == [{"tenant": "Alpha", "error": "RuntimeError", "tries": 1}]
    assert User.objects.get(pk=ada.pk).email == ADA, "the platform's part is the last"
    monkeypatch.setitem(personal._known.holdings, "orders", real)
    DataRequestStep.objects.filter(done_at=None).update(due_at=timezone.now())
    assert list(requests.unfinished()) == [request]
    requests.work(request.pk)
    assert naming(ADA, alpha, beta) == []
    assert client_for().get(f"/api/v1/me/erasure/{request.secret}/").json()["status"] == "done"


def _breaks_at(tenant, real):
    from tenants.context import current_tenant

    def run(person):
        if current_tenant().pk == tenant.pk:
            raise RuntimeError("the disk is full")
        return real.erase(person)

    return run


def test_an_owner_hands_over_or_closes_first(alpha, client_for):
    from tenants.provisioning import close

    owner = owner_of(alpha)
    owner.set_password(PASSWORD)
    owner.save()
    client = client_for(alpha, owner)
    assert client.delete("/api/v1/me/", {"password": "wrong"}).json()["code"] == "password_wrong"
    refused = client.delete("/api/v1/me/", {"password": PASSWORD})
    assert refused.status_code == 409 and refused.json()["code"] == "owner_must_transfer"
    assert "Alpha" in refused.json()["detail"]
    assert User.objects.get(pk=owner.pk).is_active and not DataRequest.objects.exists()
    with in_public():
        close(alpha)
    accepted = client_for(None, owner).delete("/api/v1/me/", {"password": PASSWORD})
    assert accepted.status_code == 202
    requests.work(accepted.json()["id"])
    assert client_for().get(accepted.json()["status_url"]).json()["status"] == "done"


def test_staff_lose_their_place_and_their_grants(alpha, beta, ada):
    from tenant_apps.events.grants import grant
    from tenant_apps.events.models import EventUserPermission
    from tenant_apps.staff.models import Membership, Role
    from tenant_apps.staff.services import add_member

    with in_tenant(alpha):
        add_member(ada, Role.objects.get(preset="door"), actor=owner_of(alpha))
        grant(make_event(), ada, "view_orders", actor=owner_of(alpha))
    requests.work(erase(ada).pk)
    with in_tenant(alpha):
        assert not Membership.objects.filter(user_id=ada.pk).exists()
        assert not EventUserPermission.objects.filter(user_id=ada.pk).exists()


def test_second_factors_and_linked_accounts_are_told_without_secrets_and_go(alpha, ada):
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount

    Authenticator.objects.create(user=ada, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    SocialAccount.objects.create(user=ada, provider="google", uid="12345", extra_data={"email": ADA})
    request = requests.ask_for_export(ada)
    requests.work(request.pk)
    files = tables_of(requests.archive_of(ada, request.pk))
    assert "12345" in files["account/linked_accounts.json"] and "totp" in files["account/second_factors.json"]
    assert "JBSWY3DPEHPK3PXP" not in "".join(files.values())
    requests.work(erase(ada).pk)
    assert not Authenticator.objects.filter(user=ada).exists() and not SocialAccount.objects.filter(user=ada).exists()


def test_a_letter_that_invites_to_the_staff_is_void_and_its_address_gone(alpha, ada):
    from tenant_apps.staff.models import Invitation, Role

    with in_tenant(alpha):
        later = timezone.now() + timedelta(days=1)
        Invitation.objects.create(email=ADA, role=Role.objects.get(preset="door"), expires_at=later)
    request = requests.ask_for_export(ada)
    requests.work(request.pk)
    assert ADA in tables_of(requests.archive_of(ada, request.pk))["alpha/staff_invitations.json"]
    requests.work(erase(ada).pk)
    with in_tenant(alpha):
        letter = Invitation.objects.get()
        assert personal.is_erased(letter.email) and letter.revoked_at
    assert naming(ADA, alpha) == []


def test_the_account_is_closed_at_once_and_every_sign_in_with_it(alpha, ada, client_for):
    phone, laptop = client_for(alpha, ada), client_for(None, ada)
    assert phone.delete("/api/v1/me/", {}).status_code == 400
    assert phone.delete("/api/v1/me/", {"password": PASSWORD}).status_code == 202
    for client in (phone, laptop):
        assert client.get("/api/v1/me/").status_code == 401
    login = client_for().post("/api/v1/auth/login/", {"email": ADA, "password": PASSWORD})
    assert login.status_code == 401 and login.json()["code"] == "invalid_credentials"


def test_no_mail_goes_to_who_was_erased(alpha, beta, ada, deliver, mailoutbox):
    from tenant_apps.orders.services import resend

    with in_tenant(alpha):
        order = make_order(make_ticket_type(), email=ADA, user=ada)
        deliver(alpha)
        assert [mail.to for mail in mailoutbox] == [[ADA]]
    requests.work(erase(ada).pk)
    with in_tenant(alpha):
        resend(order, actor=owner_of(alpha))
    deliver(alpha)
    assert len(mailoutbox) == 1
    assert not BoughtOrder.objects.exists(), "and the copy does not come back"


def test_the_address_can_be_registered_anew_and_sees_nothing_of_old(alpha, beta, ada, bought, client_for, deliver):
    deliver(alpha, beta)
    requests.work(erase(ada).pk)
    deliver(alpha, beta)
    again = make_user(ADA)
    assert client_for(None, again).get("/api/v1/me/orders/").json()["results"] == []
