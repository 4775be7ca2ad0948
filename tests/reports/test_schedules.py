"""Reports by mail: the right file to the right people at the right time, each time once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.reports import mailing, schedules
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.schedule_models import ReportSchedule
from tenant_apps.staff import services as staff
from tenant_apps.staff import site_settings
from tenant_apps.staff.models import Membership
from tenant_apps.staff.roles import make_role
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_ticket_type, make_user, owner_of

BODY = {"report": "sales", "params": {"period": "last_7_days"}, "cron": "0 8 * * 1"}


def post(client, **changes):
    return client.post("/api/v1/report-schedules/", {**BODY, **changes}, format="json")


def codes(answer):
    return {(each["field"], each["code"]) for each in answer.json()["errors"]}


def work_off():
    """Deliver until nothing is due; what is mailed follows from what is made."""
    for _each in range(5):
        deliver_due(100, now=timezone.now() + timedelta(days=800))


@pytest.fixture
def reader(alpha):
    """Somebody who may only see reports."""
    person = make_user("accounts@example.test", name="Grace Hopper", language="en")
    with in_tenant(alpha):
        role = make_role(name="Numbers only", permissions=["view_reports"], actor=owner_of(alpha))
        staff.add_member(person, role, actor=None)
    return person


def test_a_schedule_is_made_read_changed_and_deleted(alpha, client_for, reader):
    client = client_for(alpha, owner_of(alpha))
    made = post(client, recipients=[reader.email.upper()], params={"period": "last_month", "group_by": "day"})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["report"], body["cron"], body["recipients"]) == ("sales", "0 8 * * 1", [reader.email])
    assert (body["format"], body["enabled"], body["timezone"]) == ("pdf", True, "Europe/Berlin")
    assert datetime.fromisoformat(body["next_at"]) > timezone.now()
    path = f"/api/v1/report-schedules/{body['id']}/"
    assert client.get(path).json() == body
    assert client.get("/api/v1/report-schedules/").json()["count"] == 1
    changed = client.patch(path, {"cron": "30 7 * * *", "enabled": False}, format="json").json()
    assert (changed["cron"], changed["next_at"], changed["params"]) == ("30 7 * * *", None, body["params"])
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    with in_tenant(alpha):
        topics = list(
            AuditEntry.objects.filter(topic__startswith="report_schedule")
            .order_by("at")
            .values_list("topic", flat=True)
        )
        told = str(list(AuditEntry.objects.filter(topic__startswith="report_schedule").values_list("details")))
    assert topics == [f"report_schedule.{word}" for word in ("created", "changed", "deleted")]
    assert reader.email not in told


def test_what_is_wrong_is_said_all_at_once(alpha, client_for, reader):
    client = client_for(alpha, owner_of(alpha))
    stranger = make_user()
    answer = post(
        client, report="gossip", cron="* * * * *", recipients=[stranger.email, "nobody@example.test"], format="doc"
    )
    assert answer.status_code == 400
    assert codes(answer) == {
        ("report", "does_not_exist"), ("cron", "cron_too_often"), ("recipients", "recipient_without_right"),
        ("format", "invalid_choice"),
    }  # fmt: skip
    params = post(client, recipients=[reader.email], params={"period": "someday"})
    assert codes(params) == {("params.period", "invalid_choice")}
    assert codes(post(client, recipients=[reader.email], params={"sql": "1"})) == {("params.sql", "unknown")}
    group = post(client, recipients=[reader.email], params={"group_by": "shoe_size"})
    assert codes(group) == {("params.group_by", "invalid_choice")}
    for bad in ([], "x", None, [1], {}, [reader.email] * 3 + ["x"] * 30):
        assert post(client, recipients=bad).status_code == 400, bad
    for bad in (None, 5, "x", ["period"], {"period": None}, {"period": {"a": 1}}):
        assert post(client, recipients=[reader.email], params=bad).status_code == 400, bad
    assert client.post("/api/v1/report-schedules/", [1, 2], format="json").status_code == 400
    with in_tenant(alpha):
        assert not ReportSchedule.objects.exists()


def test_strangers_addresses_look_alike_whether_they_have_an_account(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    known, unknown = make_user("known@example.test").email, "unknown@example.test"
    one, two = (post(client, recipients=[each]) for each in (known, unknown))
    assert one.json()["errors"][0]["message"].replace(known, "") == two.json()["errors"][0]["message"].replace(
        unknown, ""
    )


def test_it_is_sent_once_with_its_file_to_who_holds_the_right(alpha, client_for, reader):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(price_minor=2500))
        work_off()
        mail.outbox.clear()
        schedule = schedules.create(
            {**BODY, "params": {"period": "this_year"}, "recipients": [owner.email, reader.email]}, actor=owner
        )
        due_at = schedule.next_at
        assert schedules.send_due(due_at - timedelta(seconds=1)) == 0
        assert schedules.send_due(due_at) == 1
        assert schedules.send_due(due_at) == 0
        work_off()
        work_off()
        schedule.refresh_from_db()
        assert (schedule.last_at, schedule.last_sent, schedule.last_skipped) == (due_at, 2, 0)
        assert schedule.next_at == due_at + timedelta(days=7)
        assert ReportRun.objects.count() == 1
    assert sorted(each.to[0].rpartition("<")[2].strip("<>") for each in mail.outbox) == sorted(
        [owner.email, reader.email]
    )
    ((name, content, kind),) = [
        (part.get_filename(), part.get_payload(decode=True), part.get_content_type())
        for part in mail.outbox[0].message().walk()
        if part.get_filename()
    ]
    assert (name.startswith("sales-"), kind, content[:5]) == (True, "application/pdf", b"%PDF-")
    assert "/dashboard/reports/sales/?" in mail.outbox[0].body


def test_who_lost_the_right_gets_nothing_not_even_at_the_last_moment(alpha, reader):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        schedule = schedules.create({**BODY, "recipients": [owner.email, reader.email]}, actor=owner)
        schedules.send_due(schedule.next_at)
        work_off()
        assert len(mail.outbox) == 2
        schedule.refresh_from_db()
        schedules.send_due(schedule.next_at)
        # The file is made while the right is still there, and the mail leaves after it is gone.
        message = OutboxMessage.objects.get(topic=schedules.DUE, delivered_at=None)
        mailing.make_file(message)
        Membership.objects.filter(user=reader).delete()
        work_off()
        assert len(mail.outbox) == 3
        schedule.refresh_from_db()
        schedules.send_due(schedule.next_at)
        work_off()
        schedule.refresh_from_db()
        assert (schedule.last_sent, schedule.last_skipped, len(mail.outbox)) == (1, 1, 4)


def test_one_mailbox_that_refuses_keeps_the_others_mail_from_nobody(alpha, reader, monkeypatch):
    owner = owner_of(alpha)
    real = mailing.tell

    def tell(message, topic, recipient, *args, **options):
        if recipient.email == owner.email:
            raise OSError("no way there")
        return real(message, topic, recipient, *args, **options)

    monkeypatch.setattr(mailing, "tell", tell)
    with in_tenant(alpha):
        schedule = schedules.create({**BODY, "recipients": [owner.email, reader.email]}, actor=owner)
        schedules.send_due(schedule.next_at)
        work_off()
        assert [reader.email in each.to[0] for each in mail.outbox if each.subject.startswith("Sales")] == [True]
        monkeypatch.setattr(mailing, "tell", real)
        OutboxMessage.objects.filter(delivered_at=None).update(due_at=timezone.now(), tries=1, parked_at=None)
        work_off()
    assert len([each for each in mail.outbox if each.subject.startswith("Sales")]) == 2


def test_an_event_that_is_gone_ends_quietly_and_stands_in_the_log(alpha, caplog):
    from tests.factories import make_event

    owner = owner_of(alpha)
    with in_tenant(alpha):
        event = make_event()
        schedule = schedules.create({**BODY, "params": {"event": event.slug}, "recipients": [owner.email]}, actor=owner)
        event.delete()
        schedules.send_due(schedule.next_at)
        work_off()
        assert not mail.outbox
        assert not OutboxMessage.objects.filter(delivered_at=None, topic=schedules.DUE).exists()
    assert "report_mail_failed" in caplog.text


def test_through_both_changes_of_the_clock_each_day_is_sent_once_by_two_beats(alpha):
    """Two sweeps each five minutes over both changes of Berlin's clock, at 8:00 and at a time that jumps or doubles."""
    owner = owner_of(alpha)
    sent = []
    with in_tenant(alpha):
        rows = [
            schedules.create({**BODY, "cron": text, "recipients": [owner.email]}, actor=owner)
            for text in ("0 8 * * *", "30 2 * * *")
        ]
        for first in (datetime(2027, 3, 26, tzinfo=UTC), datetime(2027, 10, 29, tzinfo=UTC)):
            OutboxMessage.objects.all().delete()
            for row in rows:
                row.refresh_from_db()
                schedules._plan(row, first)
                row.save()
            for step in range(4 * 24 * 12):
                now = first + timedelta(minutes=5 * step)
                schedules.send_due(now)
                schedules.send_due(now)
            for message in OutboxMessage.objects.filter(topic=schedules.DUE).order_by("payload__due_at"):
                due_at = datetime.fromisoformat(message.payload["due_at"])
                sent.append((message.aggregate.endswith(str(rows[0].pk)), due_at))
    eight = [at for is_first, at in sent if is_first]
    assert [(at.month, at.day, at.hour) for at in eight] == [
        (3, 26, 7), (3, 27, 7), (3, 28, 6), (3, 29, 6), (10, 29, 6), (10, 30, 6), (10, 31, 7), (11, 1, 7),
    ]  # fmt: skip
    half_past_two = [at for is_first, at in sent if not is_first]
    assert [(at.month, at.day, at.hour, at.minute) for at in half_past_two] == [
        (3, 26, 1, 30), (3, 27, 1, 30), (3, 28, 1, 30), (3, 29, 0, 30),
        (10, 29, 0, 30), (10, 30, 0, 30), (10, 31, 0, 30), (11, 1, 1, 30),
    ]  # fmt: skip


def test_two_sweeps_at_once_leave_one_message(alpha, transactional_db):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        schedule = schedules.create({**BODY, "recipients": [owner.email]}, actor=owner)
    started, claimed = threading.Barrier(4), []

    def sweep():
        try:
            started.wait()
            with in_tenant(alpha.schema_name):
                claimed.append(schedules.send_due(schedule.next_at))
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [0, 0, 0, 1]
    with in_tenant(alpha):
        assert OutboxMessage.objects.filter(topic=schedules.DUE).count() == 1


def test_what_was_missed_while_nothing_ran_is_sent_once(alpha):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        schedule = schedules.create({**BODY, "cron": "0 8 * * *", "recipients": [owner.email]}, actor=owner)
        late = schedule.next_at + timedelta(days=9, hours=1)
        assert schedules.send_due(late) == 1
        schedule.refresh_from_db()
        assert schedule.next_at > late


def test_a_tenant_that_moves_takes_its_schedules_along(alpha, monkeypatch):
    hinted = []
    monkeypatch.setattr(site_settings.due, "hint", hinted.append)
    owner = owner_of(alpha)
    with in_tenant(alpha):
        schedule = schedules.create({**BODY, "cron": "0 8 * * *", "recipients": [owner.email]}, actor=owner)
        now = timezone.now()
        site_settings.change_settings({"timezone": "Asia/Almaty"}, actor=owner)
    assert hinted == ["reports.send_due"]
    with in_tenant("t_alpha"):
        assert schedules.send_due(now) == 0
        schedule.refresh_from_db()
        assert (schedule.zone, schedule.next_at.hour, schedule.next_at.minute) == ("Asia/Almaty", 3, 0)


def test_only_who_sees_all_reports_sees_schedules(alpha, client_for, page_for, reader):
    assert client_for(alpha, reader).get("/api/v1/report-schedules/").status_code == 200
    assert client_for(alpha, make_user()).get("/api/v1/report-schedules/").status_code == 403
    assert page_for(alpha, make_user()).get("/dashboard/reports/schedules/").status_code in (403, 404)


def test_there_are_at_most_so_many(alpha, client_for, monkeypatch):
    owner = owner_of(alpha)
    monkeypatch.setattr(schedules, "MOST_SCHEDULES", 1)
    client = client_for(alpha, owner)
    assert post(client, recipients=[owner.email]).status_code == 201
    refused = post(client, recipients=[owner.email])
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_schedules")


def test_staff_make_and_change_one_on_pages(alpha, page_for, reader):
    page = page_for(alpha, owner_of(alpha))
    form = page.get("/dashboard/reports/schedules/new/?report=sales")
    assert form.status_code == 200
    assert reader.email in form.content.decode()
    given = {
        "period": "last_month", "group_by": "day", "format": "xlsx", "often": "monthly", "at": "06:15", "day": "3",
        "weekday": "1", "recipients": [reader.email],
    }  # fmt: skip
    assert page.post("/dashboard/reports/schedules/new/?report=sales", given).status_code == 302
    with in_tenant(alpha):
        row = ReportSchedule.objects.get()
        assert (row.cron, row.format, row.recipients) == ("15 6 3 * *", "xlsx", [reader.pk])
    listed = page.get("/dashboard/reports/schedules/").content.decode()
    assert "every month on day 3 at 06:15" in listed
    path = f"/dashboard/reports/schedules/{row.pk}/"
    assert 'value="06:15"' in page.get(path).content.decode()
    wrong = page.post(path, {**given, "often": "own", "cron": "* * * * *"})
    assert (wrong.status_code, "At most once an hour" in wrong.content.decode()) == (400, True)
    assert page.post(path, {**given, "often": "weekly", "weekday": "5"}).status_code == 302
    assert page.post(f"{path}switch/", {"enabled": "0"}).status_code == 302
    with in_tenant(alpha):
        row.refresh_from_db()
        assert (row.cron, row.enabled, row.next_at) == ("15 6 * * 5", False, None)
    assert page.post(f"{path}delete/").status_code == 302
    assert page.get(path).status_code == 404
