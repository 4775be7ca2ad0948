"""The fan-out picks the tenants that have something to do, misses none, and sends twice for nobody (G2, G3, N6, N7)."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import shared_task
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from platform_config.celery import app
from tenant_apps.events.models import Event
from tenants import due, schema_state, visits
from tenants.context import in_tenant
from tenants.due import ASK_EVERY, LEASE, LOOK, MOST_TRIES
from tenants.models import DueJob, Tenant
from tenants.provisioning import open_tenant, suspend
from tenants.tasks import TenantTask, for_each_tenant, look_around, visit
from tests.factories import make_event, make_user

FIRST, SECOND, ALONE = "tests.first", "tests.second", "tests.alone"
ran: list[tuple[str, str]] = []
trouble: dict[str, Exception] = {}


def _work(job: str, status: str) -> None:
    if connection.schema_name in trouble:
        raise trouble[connection.schema_name]
    ran.append((job, connection.schema_name))
    Event.objects.filter(status=status, starts_at__lte=timezone.now()).update(status=Event.Status.ARCHIVED)


@shared_task(base=TenantTask, name=FIRST)
def first() -> None:
    """Archives drafts whose time has come."""
    _work(FIRST, Event.Status.DRAFT)


@shared_task(base=TenantTask, name=SECOND)
def second() -> None:
    """Archives cancelled events whose time has come."""
    _work(SECOND, Event.Status.CANCELLED)


@shared_task(base=TenantTask, name=ALONE)
def alone() -> None:
    """The same as the first, for what talks to others."""
    _work(ALONE, Event.Status.DRAFT)


@pytest.fixture(autouse=True)
def jobs() -> Iterator[None]:
    """Three jobs that ask the events; tasks are sent at once, in this process."""
    ran.clear()
    trouble.clear()
    due.soonest(FIRST, lambda: [(Event.objects.filter(status=Event.Status.DRAFT), "starts_at")])
    due.soonest(SECOND, lambda: [(Event.objects.filter(status=Event.Status.CANCELLED), "starts_at")])
    due.soonest(ALONE, lambda: [(Event.objects.filter(status=Event.Status.DRAFT), "starts_at")], alone=True)
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False
    for job in (FIRST, SECOND, ALONE):
        due.forget(job)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is sent to the visits' queue, which nobody works on."""
    messages: list[dict[str, Any]] = []
    task: Any = visit
    monkeypatch.setattr(
        type(task._get_current_object()), "apply_async", lambda self, **options: messages.append(options)
    )
    return messages


def make_due(tenant: Any, status: str = Event.Status.DRAFT, *, minutes: int = -1) -> None:
    with in_tenant(tenant):
        make_event(status=status, starts_at=timezone.now() + timedelta(minutes=minutes))


def settle(*tenants: Any) -> None:
    """Let every tenant be asked once, so that the rows say how things are."""
    for job in (FIRST, SECOND, ALONE):
        for_each_tenant(job)
    look_around()
    ran.clear()


def row(tenant: Any, job: str = FIRST) -> DueJob:
    return DueJob.objects.get(tenant=tenant, job=job)


def test_who_has_something_to_do_is_visited_and_nobody_else(alpha: Any, beta: Any) -> None:
    settle()
    make_due(alpha)
    DueJob.objects.filter(tenant=alpha, job=FIRST).update(due_at=timezone.now())
    assert for_each_tenant(FIRST) == 1
    assert ran == [(FIRST, alpha.schema_name)]
    assert for_each_tenant(FIRST) == 0
    with in_tenant(alpha):
        assert not Event.objects.filter(status=Event.Status.DRAFT).exists()


def test_the_time_that_is_noted_is_when_the_job_has_something_to_do_next(alpha: Any, beta: Any) -> None:
    make_due(alpha, minutes=90)
    settle()
    with in_tenant(alpha):
        starts_at = Event.objects.get().starts_at
    assert row(alpha).due_at == starts_at
    assert row(beta).due_at > timezone.now() + timedelta(hours=12)


def test_a_tick_costs_the_same_few_statements_however_many_tenants_there_are(alpha: Any, beta: Any) -> None:
    settle()
    with CaptureQueriesContext(connection) as idle:
        assert for_each_tenant(FIRST) == 0
    statements = [each["sql"] for each in idle if "search_path" not in each["sql"] and "SAVEPOINT" not in each["sql"]]
    # One waits until no other tick is sending, one adds whoever is new, one marks whoever is due.
    assert len(statements) == 3, statements


def test_jobs_that_are_due_at_once_are_done_in_one_visit(alpha: Any, beta: Any, sent: list[dict[str, Any]]) -> None:
    make_due(alpha)
    make_due(alpha, Event.Status.CANCELLED)
    for_each_tenant(FIRST)
    for_each_tenant(SECOND)
    assert len(sent) == 1
    assert sorted(sent[0]["args"][0]) == sorted([alpha.pk, beta.pk])
    visits.go_round(*sent[0]["args"])
    assert len(ran) == 4
    assert {(FIRST, alpha.schema_name), (SECOND, alpha.schema_name)} <= set(ran)
    with in_tenant(alpha):
        assert set(Event.objects.values_list("status", flat=True)) == {Event.Status.ARCHIVED}


def test_a_message_that_comes_twice_does_nothing_the_second_time(
    alpha: Any, beta: Any, sent: list[dict[str, Any]]
) -> None:
    make_due(alpha)
    for_each_tenant(FIRST)
    for _ in range(3):
        visits.go_round(*sent[0]["args"])
    assert sorted(ran) == sorted([(FIRST, alpha.schema_name), (FIRST, beta.schema_name)])


def test_a_lost_message_is_sent_again_after_the_lease(alpha: Any, beta: Any, sent: list[dict[str, Any]]) -> None:
    make_due(alpha)
    now = timezone.now()
    together, _ = due.fire(FIRST, now)
    assert alpha.pk in together
    assert due.fire(FIRST, now + LEASE / 2) == ([], [])
    together, _ = due.fire(FIRST, now + LEASE)
    assert alpha.pk in together
    assert timedelta(seconds=120) > LEASE + timedelta(seconds=30)


def test_jobs_that_wait_for_one_lost_message_do_not_put_each_other_off_for_ever(alpha: Any, beta: Any) -> None:
    """Each tick marks a job anew; if that counted as a worker on its way, none would ever be sent again."""
    make_due(alpha)
    now = timezone.now()
    assert alpha.pk in due.fire(FIRST, now)[0]  # and the broker loses it
    again = [
        seconds
        for seconds in range(15, 121, 15)
        if alpha.pk in due.fire((FIRST, SECOND)[seconds // 15 % 2], now + timedelta(seconds=seconds))[0]
    ]
    assert again and again[0] <= 75


def test_what_a_worker_took_and_died_over_is_done_by_another_and_by_itself(
    alpha: Any, beta: Any, sent: list[dict[str, Any]]
) -> None:
    make_due(alpha)
    now = timezone.now()
    for _ in range(2):
        due.fire(FIRST, now)
        assert due.take([alpha.pk, beta.pk], now=now)  # and is killed
        now += LEASE
    # Twice is suspicious: whoever it was is not visited together with others any more.
    assert due.fire(FIRST, now) == ([], [alpha.pk, beta.pk])
    visits.go_round([alpha.pk])
    assert ran == [(FIRST, alpha.schema_name)]
    assert row(alpha).tries == 0


def test_one_tenant_that_fails_keeps_no_other_waiting_and_comes_later_each_time(
    alpha: Any, beta: Any, caplog: Any
) -> None:
    make_due(alpha)
    make_due(beta)
    trouble[alpha.schema_name] = ValueError("a rotten row")
    for_each_tenant(FIRST)
    assert ran == [(FIRST, beta.schema_name)]
    assert row(alpha).tries == 1
    assert timedelta(seconds=20) < row(alpha).due_at - timezone.now() <= timedelta(seconds=30)
    assert [line.job for line in caplog.records if line.message == "job_failed"] == [FIRST]


def test_after_ten_failures_a_job_is_parked_with_an_error_and_tried_about_daily(
    alpha: Any, beta: Any, caplog: Any
) -> None:
    settle()
    make_due(alpha)
    trouble[alpha.schema_name] = ValueError("a rotten row")
    for _ in range(MOST_TRIES):
        DueJob.objects.filter(tenant=alpha, job=FIRST).update(due_at=timezone.now())
        for_each_tenant(FIRST)
    assert row(alpha).due_at > timezone.now() + timedelta(hours=23)
    assert [line.levelname for line in caplog.records if line.message == "job_parked"] == ["ERROR"]
    assert due.state(FIRST)["parked"] == 1
    trouble.clear()
    for _ in range(2):
        DueJob.objects.filter(tenant=alpha, job=FIRST).update(due_at=timezone.now())
        for_each_tenant(FIRST)
    assert ran == [(FIRST, alpha.schema_name)]
    assert row(alpha).tries == 0


def test_a_lost_hint_is_healed_by_the_slow_sweep(alpha: Any, beta: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settle()
    make_due(alpha)  # nobody told the rows in public
    monkeypatch.setattr(due, "_LOOK", due._LOOK.replace("d.seen <> COALESCE(c.changes, 0)", "false"))
    assert for_each_tenant(FIRST) == 0
    assert look_around() == 0
    DueJob.objects.filter(job=LOOK).update(due_at=timezone.now())
    assert look_around() == 2
    assert for_each_tenant(FIRST) == 1
    assert ran == [(FIRST, alpha.schema_name)]


def test_every_tenant_is_asked_again_within_a_quarter_of_an_hour_whatever_happens(alpha: Any, beta: Any) -> None:
    settle()
    latest = timezone.now() + ASK_EVERY * 1.2
    assert all(each.due_at <= latest for each in DueJob.objects.filter(job=LOOK))


def test_changed_rows_are_noticed_by_postgres_own_counts_without_a_hint(
    transactional_db: None, alpha: Any, beta: Any
) -> None:
    def told() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        connection.close()  # what a session counted is told when it ends, at the latest

    told()
    settle()
    told()
    look_around()
    assert look_around() == 0
    make_due(alpha)
    told()
    assert look_around() == 1
    assert row(alpha).due_at <= timezone.now()
    assert row(beta).due_at > timezone.now()
    for_each_tenant(FIRST)
    assert ran == [(FIRST, alpha.schema_name)]


def test_a_look_around_asks_and_runs_nothing(alpha: Any, beta: Any) -> None:
    settle()
    make_due(alpha)
    DueJob.objects.filter(job=LOOK).update(due_at=timezone.now())
    assert look_around() == 2
    assert ran == []
    assert row(alpha).due_at <= timezone.now()


def test_what_follows_from_a_tick_waits_behind_the_tick(alpha: Any, beta: Any) -> None:
    settle()
    DueJob.objects.filter(job=SECOND).update(due_at=timezone.now())
    due.forget(SECOND)

    def work() -> None:
        ran.append((SECOND, connection.schema_name))
        follows = due.on_round.get()
        assert follows is not None
        follows.add(FIRST)

    app.tasks[SECOND].run, before = work, app.tasks[SECOND].run
    due.question(SECOND, lambda now: now)
    try:
        for_each_tenant(SECOND)
    finally:
        app.tasks[SECOND].run = before
    schemas = {alpha.schema_name, beta.schema_name}
    assert {(job, schema) for job, schema in ran[:2]} == {(SECOND, schema) for schema in schemas}
    assert {(job, schema) for job, schema in ran[2:]} == {(FIRST, schema) for schema in schemas}
    assert due.on_round.get() is None


def test_a_hint_runs_the_job_unasked_and_one_that_comes_meanwhile_runs_it_again(
    alpha: Any, beta: Any, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    settle()
    with django_capture_on_commit_callbacks(execute=True), in_tenant(alpha):
        due.hint(FIRST)
    assert for_each_tenant(FIRST) == 1
    assert ran == [(FIRST, alpha.schema_name)]
    with django_capture_on_commit_callbacks(execute=True), in_tenant(alpha):
        due.hint(FIRST)
    due.fire(FIRST)
    taken = due.take([alpha.pk])
    with django_capture_on_commit_callbacks(execute=True), in_tenant(alpha):
        due.hint(FIRST)
    due.note({}, taken, [])
    assert for_each_tenant(FIRST) == 1
    assert len(ran) == 2
    assert row(alpha).hints == 0


def test_who_asked_earlier_and_notes_later_does_not_make_due_again_what_was_done_meanwhile(
    alpha: Any, beta: Any
) -> None:
    settle()
    make_due(alpha)
    DueJob.objects.filter(tenant=alpha, job=FIRST).update(due_at=timezone.now())
    asked_before = due.Told(timezone.now(), {FIRST: timezone.now() - timedelta(minutes=1)})
    assert for_each_tenant(FIRST) == 1
    due.note({alpha.pk: asked_before}, [], [])
    assert for_each_tenant(FIRST) == 0
    due.note({alpha.pk: due.Told(timezone.now(), asked_before.due)}, [], [])
    assert for_each_tenant(FIRST) == 1


def test_a_tenant_that_was_opened_a_moment_ago_is_in_the_next_tick(alpha: Any, beta: Any) -> None:
    settle()
    gamma = open_tenant(name="Gamma", slug="gamma", owner=make_user())
    make_due(gamma)
    assert for_each_tenant(FIRST) == 1
    assert ran == [(FIRST, gamma.schema_name)]


def test_a_tenant_that_was_suspended_on_the_way_is_passed_by_quietly_and_told(
    alpha: Any, beta: Any, sent: list[dict[str, Any]], caplog: Any
) -> None:
    make_due(alpha)
    make_due(beta)
    for_each_tenant(FIRST)
    suspend(alpha)
    with caplog.at_level("INFO"):
        visits.go_round(*sent[0]["args"])
    assert ran == [(FIRST, beta.schema_name)]
    assert [line.schema for line in caplog.records if line.message == "jobs_skipped"] == [alpha.schema_name]
    assert not [line for line in caplog.records if line.levelno >= 30]
    assert due.fire(FIRST, timezone.now() + timedelta(days=2)) == ([beta.pk], [])


def test_a_tenant_that_waits_for_migrations_rests_and_none_of_its_jobs_has_failed(alpha: Any, beta: Any) -> None:
    """Ten failures would park them, and the sweeps of a tenant that is migrated again would come once a day."""
    for tenant in (alpha, beta):
        make_due(tenant)
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=1)
    DueJob.objects.filter(tenant=alpha, job=FIRST).delete()
    for_each_tenant(FIRST)
    assert ran == [(FIRST, beta.schema_name)]
    row = DueJob.objects.get(tenant=alpha, job=FIRST)
    assert row.tries == 0 and row.due_at <= timezone.now() + timedelta(minutes=1)
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=schema_state.current_graph().migrations)
    DueJob.objects.filter(pk=row.pk).update(due_at=timezone.now())
    for_each_tenant(FIRST)
    assert ran[1:] == [(FIRST, alpha.schema_name)]


def test_a_schema_that_was_dropped_on_the_way_harms_nobody_else(
    alpha: Any, beta: Any, sent: list[dict[str, Any]], caplog: Any
) -> None:
    make_due(beta)
    for_each_tenant(FIRST)
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER SCHEMA "{alpha.schema_name}" RENAME TO t_elsewhere')
    visits.go_round(*sent[0]["args"])
    assert ran == [(FIRST, beta.schema_name)]
    assert [line.schema for line in caplog.records if line.message == "task_dropped"] == [alpha.schema_name]


def test_what_talks_to_others_gets_a_task_for_each_tenant(alpha: Any, beta: Any, sent: list[dict[str, Any]]) -> None:
    make_due(alpha)
    make_due(beta)
    assert for_each_tenant(ALONE) == 2
    assert [each["args"] for each in sent] == [[[alpha.pk], ALONE], [[beta.pk], ALONE]]
    visits.go_round(*sent[0]["args"])
    assert ran == [(ALONE, alpha.schema_name)]
    assert row(beta, ALONE).wanted_at is not None


def test_a_round_that_takes_too_long_hands_the_rest_on(alpha: Any, beta: Any, sent: list[dict[str, Any]]) -> None:
    make_due(alpha)
    make_due(beta)
    for_each_tenant(FIRST)
    outcome = visits.go_round(*sent[0]["args"], seconds=0)
    assert len(ran) == 1
    assert len(outcome.left) == 1
    visits.go_round(outcome.left, seconds=0)
    assert sorted(schema for _, schema in ran) == sorted([alpha.schema_name, beta.schema_name])


def test_a_worker_visits_two_tenants_at_once_each_by_a_connection_of_its_own(
    transactional_db: None, alpha: Any, beta: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VISIT_HANDS = 2
    settle()
    make_due(alpha)
    make_due(beta)
    DueJob.objects.filter(job=FIRST).update(due_at=timezone.now())
    both_inside = threading.Barrier(2, timeout=20)
    seen: set[tuple[str, int]] = set()

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema(), pg_backend_pid()")
            seen.add(cursor.fetchone())
        both_inside.wait()
        if connection.schema_name == beta.schema_name:
            raise ValueError("only here")

    monkeypatch.setattr(app.tasks[FIRST], "run", work)
    due.fire(FIRST)
    outcome = visits.go_round([alpha.pk, beta.pk])
    assert (outcome.done, outcome.failed, outcome.left) == (1, 1, [])
    assert {schema for schema, _ in seen} == {alpha.schema_name, beta.schema_name}
    assert len({pid for _, pid in seen}) == 2
    assert row(alpha).tries == 0
    assert row(beta).tries == 1


def test_two_ticks_at_once_send_once(transactional_db: None, alpha: Any, beta: Any) -> None:
    make_due(alpha)
    make_due(beta)
    gate = threading.Barrier(6)
    sent_for: list[int] = []

    def tick() -> None:
        try:
            gate.wait()
            together, one_each = due.fire(FIRST)
            sent_for.extend(together + one_each)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tick) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent_for) == sorted([alpha.pk, beta.pk])


def test_groups_deal_the_tenants_out() -> None:
    assert list(visits.in_groups([1, 2, 3, 4, 5, 6, 7], 3)) == [[1, 4, 7], [2, 5], [3, 6]]
    assert list(visits.in_groups([], 3)) == []


def test_every_job_of_the_schedule_that_is_frequent_says_when_it_is_due() -> None:
    """Else each of its ticks would be a task for every tenant there is."""
    from platform_config.schedule import SCHEDULE

    app.loader.import_default_modules()
    frequent = [
        entry.task for entry in SCHEDULE if entry.each_tenant and entry.every and entry.every < timedelta(hours=1)
    ]
    assert [task for task in frequent if not due.has_question(task)] == []


def test_the_one_statement_that_asks_for_all_jobs_runs_in_a_tenant(alpha: Any) -> None:
    app.loader.import_default_modules()
    with in_tenant(alpha), CaptureQueriesContext(connection) as asked:
        answers = due.ask(timezone.now())
    assert {"orders.expire_overdue", "events.finish_over", "payments.poll_due", "activity.sweep"} <= set(answers)
    # The columns of all jobs in one, and one function that needs more.
    assert len([each for each in asked if "search_path" not in each["sql"]]) <= 2
    assert Tenant.objects.filter(pk=alpha.pk).exists()
