"""Tasks run in the tenant that they were called in, and never quietly in public (G2)."""

import threading
from typing import Any

import pytest
from celery import shared_task
from django.db import connection, connections

from platform_config.celery import app
from tenants import tasks
from tenants.context import in_tenant
from tenants.errors import NotInTenant, TenantMissing
from tenants.models import Tenant
from tenants.provisioning import suspend
from tenants.tasks import MOST_DELIVERIES, TenantTask, finish_openings, for_each_tenant
from tests.factories import make_user

ran: list[str] = []


@shared_task(base=TenantTask, name="tests.note_where")
def note_where() -> None:
    """Note the schema that the task runs in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        ran.append(cursor.fetchone()[0])


@shared_task(base=TenantTask, name="tests.note_even_suspended", for_suspended=True)
def note_even_suspended() -> None:
    """The same, for what suspended tenants may still do."""
    ran.append(connection.schema_name)


@shared_task(base=TenantTask, name="tests.take_long", lasting=True)
def take_long() -> None:
    """The same, for what takes long."""
    ran.append(connection.schema_name)


@pytest.fixture(autouse=True)
def eager(settings: Any) -> Any:
    """Tasks run at once in this process, through the same headers and signals as in a worker."""
    ran.clear()
    app.conf.task_always_eager, app.conf.task_eager_propagates = True, True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False


def test_a_task_runs_in_the_tenant_that_it_was_called_in(alpha: Any, beta: Any) -> None:
    with in_tenant(alpha):
        note_where.delay()
        with in_tenant(beta):
            note_where.delay()
    assert ran == [alpha.schema_name, beta.schema_name]


def test_a_tenants_task_refuses_to_run_in_public(db: None) -> None:
    with pytest.raises(NotInTenant):
        note_where.delay()
    with pytest.raises(NotInTenant):
        note_where()
    assert ran == []


def test_a_task_sent_to_a_schema_that_is_gone_is_dropped_and_told(alpha: Any, caplog: Any) -> None:
    note_where.apply_async(headers={"_schema_name": "t_nobody"})
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER SCHEMA "{alpha.schema_name}" RENAME TO t_elsewhere')
    note_where.apply_async(headers={"_schema_name": alpha.schema_name})
    assert ran == []
    told = [(line.schema, line.why) for line in caplog.records if line.message == "task_dropped"]
    assert told == [("t_nobody", "no tenant has the schema"), (alpha.schema_name, "the schema is gone")]
    assert not [line for line in caplog.records if line.levelname == "ERROR"]
    connection.set_schema_to_public()


@pytest.mark.usefixtures("transactional_db")
def test_what_takes_long_has_one_worker_of_a_tenant_and_comes_again(alpha: Any, beta: Any, monkeypatch: Any) -> None:
    """Fifty long tasks of one tenant leave the other workers to the others (N7)."""
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with tasks._place_of(alpha.schema_name, take_long.name) as mine:
                assert mine
                entered.set()
                leave.wait(30)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    entered.wait(30)
    send, again = take_long.apply_async, []
    monkeypatch.setattr(take_long, "apply_async", lambda **options: again.append(options))
    try:
        send(headers={"_schema_name": alpha.schema_name})
        assert (ran, [each["countdown"] for each in again]) == ([], [tasks.COMES_AGAIN_SECONDS])
        send(headers={"_schema_name": beta.schema_name})
        assert ran == [beta.schema_name]
    finally:
        leave.set()
        worker.join()
    send(headers={"_schema_name": alpha.schema_name})
    assert (ran, len(again)) == ([beta.schema_name, alpha.schema_name], 1)


def test_a_task_sent_to_a_suspended_tenant_is_dropped_unless_it_is_for_them(alpha: Any, caplog: Any) -> None:
    suspend(alpha)
    note_where.apply_async(headers={"_schema_name": alpha.schema_name})
    assert ran == []
    assert [line.why for line in caplog.records if line.message == "task_dropped"] == ["the tenant is suspended"]
    note_even_suspended.apply_async(headers={"_schema_name": alpha.schema_name})
    assert ran == [alpha.schema_name]


def test_a_task_called_by_hand_in_a_schema_that_is_gone_is_an_error(alpha: Any) -> None:
    with in_tenant(alpha):
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER SCHEMA "{alpha.schema_name}" RENAME TO t_elsewhere')
        with pytest.raises(TenantMissing):
            note_where()
    assert ran == []


def test_a_task_for_a_missing_tenant_does_not_run_where_the_last_one_was(alpha: Any) -> None:
    """Celery goes on when entering the schema fails; the connection may still be in another tenant's."""
    with in_tenant(alpha):
        note_where.apply_async(headers={"_schema_name": "t_nobody"})
    assert ran == []


def test_a_message_that_was_handed_out_ten_times_is_left_and_told(alpha: Any, caplog: Any) -> None:
    task = note_where._get_current_object()
    task.push_request(
        id="poison", called_directly=False, delivery_info={"redelivered": True}, _schema_name=alpha.schema_name
    )
    try:
        with in_tenant(alpha):
            for _ in range(MOST_DELIVERIES + 1):
                task()
    finally:
        task.pop_request()
    assert len(ran) == MOST_DELIVERIES - 1
    assert [line.deliveries for line in caplog.records if line.message == "task_parked"] == [10, 11]


def test_a_task_that_waits_for_the_commit_keeps_its_tenant(
    alpha: Any, beta: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True), in_tenant(alpha), in_tenant(beta):
        note_where.delay_on_commit()
    assert ran == [beta.schema_name]


def test_the_fan_out_reaches_every_open_tenant_once(alpha: Any, beta: Any) -> None:
    assert for_each_tenant("tests.note_where") == 2
    assert sorted(ran) == [alpha.schema_name, beta.schema_name]
    assert connection.schema_name == "public"


def test_the_fan_out_skips_a_suspended_tenant(alpha: Any, beta: Any) -> None:
    suspend(alpha)
    assert for_each_tenant("tests.note_where") == 1
    assert ran == [beta.schema_name]


def test_the_fan_out_runs_in_public_even_if_called_inside_a_tenant(alpha: Any, beta: Any) -> None:
    with in_tenant(alpha):
        for_each_tenant.delay("tests.note_where")
    assert sorted(ran) == [alpha.schema_name, beta.schema_name]


def test_the_sweep_ends_what_was_broken_off_and_leaves_the_rest(alpha: Any) -> None:
    owner = make_user()
    for slug in ("half-one", "half-two"):
        Tenant.objects.create(name="Half", slug=slug, schema_name=f"t_{slug.replace('-', '_')}", owner=owner)
    assert finish_openings() == 2
    assert set(Tenant.objects.open().values_list("slug", flat=True)) >= {"half-one", "half-two", "alpha"}
    assert finish_openings() == 0


def test_the_fan_out_of_an_unknown_task_is_an_error(db: None) -> None:
    with pytest.raises(LookupError, match="no_such"):
        for_each_tenant("tests.no_such_task")


def test_what_is_sent_names_schema_and_expiry(alpha: Any, beta: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        type(note_where._get_current_object()), "apply_async", lambda self, *a, **options: sent.append(options)
    )
    for_each_tenant("tests.note_where", expires=50)
    assert [one["headers"]["_schema_name"] for one in sent] == [alpha.schema_name, beta.schema_name]
    assert {one["expires"] for one in sent} == {50}
    assert len({id(one["producer"]) for one in sent}) == 1


def test_a_tenant_that_waits_for_migrations_gets_no_tasks_and_the_others_do(alpha: Any, beta: Any) -> None:
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=1)
    for tenant in (alpha, beta):
        note_where.apply_async(headers={"_schema_name": tenant.schema_name})
    assert ran == [beta.schema_name]
    for_each_tenant("tests.note_where")
    assert alpha.schema_name not in ran
