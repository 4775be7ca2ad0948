"""The operators' console: who gets in, what it tells without opening schemas, and what it does to tenants."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry, User
from shared_apps.billing.models import Plan, TicketFees, Usage
from shared_apps.billing.subscription_models import PlatformInvoice, Subscription
from shared_apps.operators.measuring import measure
from shared_apps.operators.models import TenantHealth
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.reports.log_models import LogEntry
from tenants.context import in_tenant
from tenants.models import DueJob, Tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of
from tests.operators.helpers import REASON, make_operator

LIST = "/api/v1/operators/tenants/"


def park(topic="order.paid", count=1, error="SMTPConnectError: no route"):
    for number in range(count):
        OutboxMessage.objects.create(
            topic=topic, aggregate=f"a:{number}", tries=10, parked_at=timezone.now(), last_error=error
        )


# --- Who gets in --------------------------------------------------------------------------------------------------


def test_to_who_is_no_operator_there_is_nothing_here(alpha, page_for, client_for):
    owner = owner_of(alpha)
    assert page_for().get("/operator/")["Location"].startswith("/account/login/?next=")
    assert page_for(None, owner).get("/operator/").status_code == 404
    assert client_for().get(LIST).status_code == 401
    assert client_for(None, owner).get(LIST).status_code == 404
    refused = PlatformAuditEntry.objects.filter(topic="operators.refused", user_id=owner.pk, refused=True)
    assert sorted(entry.details["path"] for entry in refused) == [LIST, "/operator/"]


def test_an_operator_without_two_step_login_is_led_to_where_it_is_set_up(db, page_for, client_for):
    operator = make_operator(second_factor=False)
    led = page_for(None, operator).get("/operator/failed/")
    assert led.status_code == 302 and led["Location"] == "/account/security/totp/?next=%2Foperator%2Ffailed%2F"
    answer = client_for(None, operator).get(LIST)
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")


def test_the_right_is_read_anew_with_each_request(db, page_for):
    operator = make_operator()
    page = page_for(None, operator)
    assert page.get("/operator/").status_code == 200
    User.objects.filter(pk=operator.pk).update(is_staff=False)
    assert page.get("/operator/").status_code == 404


def test_being_an_operator_opens_nothing_on_a_tenants_host(alpha, page_for, client_for):
    operator = make_operator()
    assert page_for(alpha, operator).get("/operator/").status_code == 404
    assert page_for(alpha, operator).get("/dashboard/").status_code == 403
    assert client_for(alpha, operator).get("/api/v1/operators/tenants/").status_code == 404


# --- What it tells ------------------------------------------------------------------------------------------------


def test_a_tenant_is_measured_from_its_own_rows_and_shown_without_opening_them(alpha, beta, client_for):
    Usage.objects.create(tenant=alpha, day=timezone.now().date(), orders=7, paid_tickets=9, storage_bytes=2048)
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event(), price_minor=1250), quantity=2)
        OutboxMessage.objects.all().delete()
        park(count=3)
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        LogEntry.objects.create(hour=hour, event="page_failed", level="error", times=4)
        measure()
    with in_tenant(beta):
        OutboxMessage.objects.all().delete()
        measure()
    client = client_for(None, make_operator())
    rows = {row["slug"]: row for row in client.get(LIST).json()["results"]}
    assert (rows["alpha"]["state"], rows["beta"]["state"]) == ("problem", "ok")
    health = rows["alpha"]["health"]
    assert (health["sales"], health["parked"], health["errors"], health["events"]) == ("25.00", 3, 4, 1)
    assert (health["orders"], health["paid_tickets"], health["storage_bytes"]) == (7, 9, 2048)
    assert rows["beta"]["health"]["sales"] == "0.00"
    assert rows["alpha"]["owner"] == owner_of(alpha).email and rows["alpha"]["host"] == "alpha.localhost"


def test_the_list_costs_the_same_for_many_tenants(alpha, beta, client_for, page_for):
    operator = make_operator()
    client, page = client_for(None, operator), page_for(None, operator)

    def cost():
        found = []
        for ask in (lambda: client.get(LIST), lambda: page.get("/operator/")):
            with CaptureQueriesContext(connection) as statements:
                assert ask().status_code == 200
            found.append(len([each for each in statements if "search_path" not in each["sql"]]))
            assert not any('"t_' in each["sql"] for each in statements if "search_path" not in each["sql"])
        return found

    few = cost()
    for number in range(30):
        tenant = Tenant.objects.create(schema_name=f"t_many{number}", slug=f"many{number}", name="Many", status="open")
        TenantHealth.objects.create(tenant=tenant, sales_minor=number)
    assert cost() == few
    # Who asks, whether by two steps, how many, the rows; the page also names the plans and sums up.
    assert few == [4, 7]


def test_the_list_is_searched_filtered_and_sorted(alpha, beta, client_for):
    for tenant, sales, state in ((alpha, 500, "ok"), (beta, 900, "warning")):
        TenantHealth.objects.create(tenant=tenant, sales_minor=sales, state=state)
    Tenant.objects.filter(pk=beta.pk).update(name="Zeta Hall")
    client = client_for(None, make_operator())

    def slugs(query):
        answer = client.get(f"{LIST}?{query}")
        assert answer.status_code == 200, answer.json()
        return [row["slug"] for row in answer.json()["results"]]

    assert slugs("") == ["beta", "alpha"]  # the worst first
    assert slugs("ordering=-sales") == ["beta", "alpha"] and slugs("ordering=name") == ["alpha", "beta"]
    assert slugs("search=zeta") == ["beta"] and slugs("search=alpha.localhost") == ["alpha"]
    assert slugs("search=owner@beta") == ["beta"] and slugs("search=nobody") == []
    assert slugs("state=ok") == ["alpha"] and slugs("status=suspended") == []
    assert client.get(f"{LIST}?ordering=owner__password").json()["code"] == "ordering_invalid"
    assert client.get(f"{LIST}?state=fine").status_code == 400
    assert client.get(f"{LIST}?color=red").json()["code"] == "unknown_parameter"


def test_the_plan_and_what_it_brings_in_are_told(alpha, beta, client_for, page_for):
    today = timezone.now().date()
    for currency, fee in (("EUR", 1250), ("USD", 9999)):
        TicketFees.objects.create(
            tenant=alpha, day=today, currency=currency, tickets=5, gross_minor=50_000, fee_minor=fee
        )
    Tenant.objects.filter(pk=alpha.pk).update(limits={"plan": "chain-yearly", "restricted": True})
    with in_tenant(alpha):
        measure()
    operator = make_operator()
    rows = {row["slug"]: row for row in client_for(None, operator).get(LIST).json()["results"]}
    assert (rows["alpha"]["plan"], rows["beta"]["plan"]) == ("chain-yearly", "free")
    assert rows["alpha"]["health"]["fees"] == "12.50"
    answer = client_for(None, operator).get(f"{LIST}?plan=chain-yearly").json()
    assert [row["slug"] for row in answer["results"]] == ["alpha"]
    shown = page_for(None, operator).get("/operator/?plan=chain-yearly").content.decode()
    assert "Chain" in shown and "Restricted" in shown and ">Beta<" not in shown


def test_the_subscription_and_its_invoices_are_shown(alpha, client_for, page_for):
    now = timezone.now()
    Subscription.objects.create(
        tenant=alpha, plan=Plan.objects.get(slug="house-monthly"), status="past_due", current_period_end=now
    )
    PlatformInvoice.objects.create(
        tenant=alpha, stripe_invoice="in_1", number="FOYER-7", status="open", currency="EUR", total_minor=2900,
        due_minor=2900, paid_minor=0, left_minor=2900, issued_at=now,
    )  # fmt: skip
    operator = make_operator()
    assert client_for(None, operator).get(f"{LIST}alpha/").json()["subscription"]["status"] == "past_due"
    assert client_for(None, operator).get(f"{LIST}beta/").json()["subscription"] is None
    shown = page_for(None, operator).get("/operator/tenants/alpha/").content.decode()
    assert "Payment missing" in shown and "FOYER-7" in shown and "€29" in shown


def test_who_is_behind_or_was_not_measured_lately_says_so(alpha, beta, client_for):
    TenantHealth.objects.create(tenant=alpha, measured_at=timezone.now() - timedelta(hours=2))
    TenantHealth.objects.create(tenant=beta)
    Tenant.objects.filter(pk=beta.pk).update(migrations_applied=1)
    rows = {row["slug"]: row["state"] for row in client_for(None, make_operator()).get(LIST).json()["results"]}
    assert rows == {"alpha": "unknown", "beta": "behind"}


def test_what_is_given_up_stands_in_the_console_at_once(alpha, monkeypatch):
    from tenant_apps.activity import delivery

    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        monkeypatch.setitem(delivery._subscribers, "order.paid", [lambda message: 1 / 0])
        OutboxMessage.objects.create(topic="order.paid", aggregate="a:1", tries=9)
        deliver_due()
        deliver_due()
    assert TenantHealth.objects.get(tenant=alpha).parked == 1


# --- What failed --------------------------------------------------------------------------------------------------


def test_failed_work_of_all_tenants_is_told_and_tried_again(alpha, beta, client_for):
    from shared_apps.accounts.models import EmailCode

    for tenant, count in ((alpha, 3), (beta, 1)):
        with in_tenant(tenant):
            OutboxMessage.objects.all().delete()
            park(count=count)
            measure()
    DueJob.objects.update_or_create(tenant=beta, job="reports.catch_up", defaults={"tries": 12})
    EmailCode.objects.create(
        purpose="reset", email="ada@example.test", send_tries=10, expires_at=timezone.now() + timedelta(hours=1)
    )
    operator = make_operator()
    client = client_for(None, operator)

    def told(query=""):
        answer = client.get(f"/api/v1/operators/failed-work/{query}").json()["results"]
        return {(row["kind"], row["tenant"], row["what"]): row for row in answer}

    rows = told()
    assert set(rows) == {
        ("job", "beta", "reports.catch_up"), ("letter", None, "reset"),
        ("message", "alpha", "order.paid"), ("message", "beta", "order.paid"),
    }  # fmt: skip
    row = rows["message", "alpha", "order.paid"]
    assert row["count"] == 3 and "mail server" in row["reason"] and "SMTPConnectError" in row["error"]
    assert "ada@example.test" not in str(rows)
    assert {tenant for _kind, tenant, _what in told("?tenant=beta")} == {"beta"}

    retry = "/api/v1/operators/failed-work/retry/"
    wanted = {"kind": "message", "tenant": "alpha", "what": "order.paid"}
    assert client.post(retry, wanted).json() == {"retried": 3}
    assert client.post(retry, {"kind": "job", "tenant": "beta", "what": "reports.catch_up"}).json() == {"retried": 1}
    assert client.post(retry, {"kind": "letter", "what": "reset"}).json() == {"retried": 1}
    assert set(told()) == {("message", "beta", "order.paid")}
    again = client.post(retry, wanted)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_retry")

    with in_tenant(alpha):
        assert OutboxMessage.objects.filter(topic="order.paid", tries=0, parked_at=None).count() == 3
        entry = AuditEntry.objects.get(topic="outbox.retried")
        assert entry.actor == operator.email and entry.details["operator"] == operator.email
    job = DueJob.objects.get(tenant=beta, job="reports.catch_up")
    assert job.tries == 0 and job.due_at <= timezone.now()
    noted = PlatformAuditEntry.objects.filter(topic="failed_work.retried", actor_id=operator.pk)
    assert sorted(entry.details["kind"] for entry in noted) == ["job", "letter", "message"]


def test_the_page_of_failed_work_tries_again(alpha, page_for):
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        park()
        measure()
    page = page_for(None, make_operator())
    shown = page.get("/operator/failed/").content.decode()
    assert "Paid, tickets issued" in shown and "Alpha" in shown
    answer = page.post("/operator/failed/retry/", {"kind": "message", "tenant": "alpha", "what": "order.paid"})
    assert answer["Location"] == "/operator/failed/"
    assert "Nothing has failed" in page.get("/operator/failed/").content.decode()
    assert (
        page.post("/operator/failed/retry/", {"kind": "nonsense", "tenant": "alpha", "what": "\x7f"}).status_code == 302
    )
    assert page.post("/operator/failed/retry/", {"kind": "job", "tenant": "no-such"}).status_code == 404


def test_files_and_owners_letters_that_were_given_up_are_failed_work_too(alpha, beta, client_for, page_for):
    from shared_apps.billing.models import BillingLetter
    from shared_apps.departures.models import DepartureLetter
    from tenant_apps.imports import services as imports
    from tenant_apps.imports.models import ImportJob

    with in_tenant(beta):
        file = b"name\nHall\n"
        job = imports.start(resource="venues", file_name="v.csv", content=file, actor=owner_of(beta), dry_run=False)
        imports.fail(job, "internal_error", "Something went wrong on our side.")
        measure()
    BillingLetter.objects.create(tenant=alpha, kind="failed", about="in_1", tries=10, claimed_at=timezone.now())
    BillingLetter.objects.create(tenant=alpha, kind="paid", about="in_2", tries=3)
    DepartureLetter.objects.create(tenant=beta, kind="ready", about="1", to="owner@beta.test", tries=10)
    client = client_for(None, make_operator())
    told = client.get("/api/v1/operators/failed-work/").json()["results"]
    rows = {(row["kind"], row["tenant"], row["what"]): row["count"] for row in told}
    wanted = {
        ("billing_letter", "alpha", "failed"): 1, ("departure_letter", "beta", "ready"): 1,
        ("import", "beta", "venues"): 1,
    }  # fmt: skip
    assert rows == wanted
    assert "owner@beta.test" not in str(told)
    alone = client.get("/api/v1/operators/failed-work/?tenant=alpha").json()["results"]
    assert [row["kind"] for row in alone] == ["billing_letter"]
    assert (
        "Letter about a subscription"
        in page_for(None, make_operator("ole@operators.test")).get("/operator/failed/").content.decode()
    )
    for kind, tenant, what in wanted:
        retry = {"kind": kind, "tenant": tenant, "what": what}
        assert client.post("/api/v1/operators/failed-work/retry/", retry).json() == {"retried": 1}
        assert client.post("/api/v1/operators/failed-work/retry/", retry).status_code == 409
    assert client.get("/api/v1/operators/failed-work/").json()["results"] == []
    assert BillingLetter.objects.unsent().filter(kind="failed").exists()
    with in_tenant(beta):
        again = ImportJob.objects.get()
        # It was to be applied at once; now somebody looks at what it would do first.
        assert (again.status, again.dry_run, again.errors) == ("pending", True, [])
        assert imports.validate(again).status == "ready"


def test_a_tenant_that_waits_for_migrations_hides_nobody_elses_failed_work(alpha, beta, client_for, page_for):
    """Its tables are not as this code counts on: whoever is called at night sees all others'."""
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            OutboxMessage.objects.all().delete()
            park()
            measure()
    with in_tenant(beta), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webhooks_delivery RENAME COLUMN http_status TO later")
    Tenant.objects.filter(pk=beta.pk).update(migrations_applied=1)
    client, page = client_for(None, make_operator()), page_for(None, make_operator("ole@operators.test"))
    told = client.get("/api/v1/operators/failed-work/").json()["results"]
    assert [(row["kind"], row["tenant"]) for row in told] == [("message", "alpha")]
    assert page.get("/operator/failed/").status_code == page.get("/operator/tenants/beta/").status_code == 200
    measured = client.post("/api/v1/operators/tenants/beta/measure/")
    assert (measured.status_code, measured.json()["code"]) == (503, "tenant_not_ready")
    assert page.post("/operator/tenants/beta/measure/").status_code == 503
    retry = {"kind": "message", "tenant": "beta", "what": "order.paid"}
    assert client.post("/api/v1/operators/failed-work/retry/", retry).status_code == 409


@pytest.mark.parametrize("what", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_webhook_that_is_not_there_cannot_be_tried_again(alpha, client_for, what):
    answer = client_for(None, make_operator()).post(
        "/api/v1/operators/failed-work/retry/", {"kind": "webhook", "tenant": "alpha", "what": what}
    )
    assert answer.status_code == (409 if what else 400)


# --- What it does -------------------------------------------------------------------------------------------------


def test_suspending_takes_a_reason_and_holds_from_the_next_request_on(alpha, client_for):
    operator = make_operator()
    client, visitor = client_for(None, operator), client_for(alpha)
    assert visitor.get("/api/v1/events/").status_code == 200
    short = client.post(f"{LIST}alpha/suspend/", {"reason": "why not"})
    assert (short.status_code, short.json()["code"]) == (400, "reason_required")
    stopped = client.post(f"{LIST}alpha/suspend/", {"reason": "Sells what it does not have."}).json()
    assert stopped["status"] == "suspended"
    assert [(each["cause"], each["reason"]) for each in stopped["suspensions"]] == [
        ("operator", "Sells what it does not have.")
    ]
    assert visitor.get("/api/v1/events/").json()["code"] == "tenant_suspended"
    entry = PlatformAuditEntry.objects.get(topic="tenant.suspended")
    assert entry.actor_id == operator.pk and entry.details["reason"] == "Sells what it does not have."
    assert client.post(f"{LIST}alpha/resume/").json()["status"] == "open"
    assert visitor.get("/api/v1/events/").status_code == 200
    assert client.post(f"{LIST}alpha/resume/").status_code == 200  # twice is once
    assert client.post(f"{LIST}nobody/suspend/", {"reason": REASON}).status_code == 404


def test_the_owner_is_written_to_once_when_the_site_is_suspended_and_when_it_is_open_again(alpha, client_for):
    from shared_apps.accounts.tasks import send_unsent

    owner, client = owner_of(alpha), client_for(None, make_operator())
    for _twice in range(2):
        client.post(f"{LIST}alpha/suspend/", {"reason": "Sells what it does not have."})
    send_unsent()
    (letter,) = mail.outbox
    assert letter.to == [owner.email] and letter.subject == "Alpha is suspended"
    assert "Reason: Sells what it does not have." in letter.body and "alpha.localhost" in letter.body
    client.post(f"{LIST}alpha/resume/")
    client.post(f"{LIST}alpha/resume/")
    send_unsent()
    assert [each.subject for each in mail.outbox] == ["Alpha is suspended", "Alpha is open again"]


def test_another_cause_keeps_a_site_suspended(alpha, client_for):
    from tenants import provisioning

    client = client_for(None, make_operator())
    client.post(f"{LIST}alpha/suspend/", {"reason": REASON})
    provisioning.suspend(alpha, cause="billing", reason="unpaid")
    left = client.post(f"{LIST}alpha/resume/").json()
    assert left["status"] == "suspended" and [each["cause"] for each in left["suspensions"]] == ["billing"]


def test_the_page_of_a_tenant_suspends_and_resumes(alpha, page_for):
    page = page_for(None, make_operator())
    refused = page.post("/operator/tenants/alpha/suspend/", {"suspend-reason": "no"})
    assert refused.status_code == 400 and Tenant.objects.get(pk=alpha.pk).status == "open"
    page.post("/operator/tenants/alpha/suspend/", {"suspend-reason": "Sells what it does not have."})
    shown = page.get("/operator/tenants/alpha/").content.decode()
    assert "Sells what it does not have." in shown and "The site is not open" in shown
    page.post("/operator/tenants/alpha/resume/")
    assert Tenant.objects.get(pk=alpha.pk).status == "open"


def test_a_tenant_is_measured_when_an_operator_asks(alpha, page_for, client_for):
    operator = make_operator()
    assert page_for(None, operator).post("/operator/tenants/alpha/measure/").status_code == 302
    first = TenantHealth.objects.get(tenant=alpha).measured_at
    answer = client_for(None, operator).post(f"{LIST}alpha/measure/").json()
    assert answer["health"]["staff"] == 1 and TenantHealth.objects.get(tenant=alpha).measured_at > first
    Tenant.objects.filter(pk=alpha.pk).update(status="closed")
    assert client_for(None, operator).post(f"{LIST}alpha/measure/").status_code == 404


def test_closed_and_opening_tenants_have_pages_that_open_nothing(alpha, page_for, client_for):
    operator = make_operator()
    for status in ("closed", "opening"):
        Tenant.objects.filter(pk=alpha.pk).update(status=status, owner=None)
        assert page_for(None, operator).get("/operator/tenants/alpha/").status_code == 200
        assert client_for(None, operator).get(f"{LIST}alpha/").json()["owner"] is None
        refused = client_for(None, operator).post(f"{LIST}alpha/suspend/", {"reason": REASON})
        assert refused.status_code == 409


def test_odd_input_is_answered_and_never_fails(alpha, page_for, client_for):
    page = page_for(None, make_operator())
    for query in (
        "?search=%25_'%22&order=;drop",
        "?page=-1",
        "?page=zwei",
        "?state=x&status=y&kind=z",
        "?search=" + "a" * 500,
    ):
        assert page.get(f"/operator/{query}").status_code == 200
    assert page.get("/operator/tenants/no-such-slug/").status_code == 404
    assert page.get("/operator/visits/?page=99999999999999999999").status_code == 200


def test_the_summary_counts_over_all_tenants(alpha, beta, client_for):
    TenantHealth.objects.create(tenant=alpha, parked=2, state="problem")
    TenantHealth.objects.create(tenant=beta, parked=3, state="problem")
    told = client_for(None, make_operator()).get("/api/v1/operators/summary/").json()
    assert (told["tenants"], told["open"], told["parked"], told["states"]["problem"]) == (2, 2, 5, 2)


def test_the_menu_leads_operators_to_the_console_and_nobody_else(db, page_for):
    assert "/operator/" in page_for(None, make_operator()).get("/").content.decode()
    assert "/operator/" not in page_for(None, make_user()).get("/").content.decode()
