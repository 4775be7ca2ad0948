"""A tenant has one file at work at a time, so that many files of one keep nobody else's from being read (N7)."""

import threading
from typing import Any

import pytest
from django.db import connections

from tenant_apps.imports import services, tasks
from tenant_apps.imports.models import ImportJob
from tenants.context import in_tenant
from tests.factories import owner_of


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The imports that a worker was sent for."""
    found: list[str] = []
    monkeypatch.setattr(tasks.advance, "apply_async", lambda args, **options: found.append(args[0]))
    return found


def upload(tenant: Any, number: int, **fields: Any) -> ImportJob:
    content = f"name,address\nHall {number},Street {number}\n".encode()
    return services.start(
        resource="venues", file_name=f"{number}.csv", content=content, actor=owner_of(tenant), **fields
    )


def status_of(job: ImportJob) -> str:
    return str(ImportJob.objects.values_list("status", flat=True).get(pk=job.pk))


@pytest.mark.usefixtures("transactional_db")
def test_a_second_file_waits_and_is_taken_up_by_who_worked_on_the_first(alpha, beta, sent):
    with in_tenant(alpha):
        first, second, third = (upload(alpha, number) for number in range(3))
    with in_tenant(beta):
        theirs = upload(beta, 9)
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with in_tenant("t_alpha"), services.only_one() as mine:
                assert mine
                entered.set()
                leave.wait(30)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    entered.wait(30)
    try:
        with in_tenant(alpha):
            tasks.advance.run(str(first.pk))
            assert (status_of(first), sent) == ("pending", [])
        with in_tenant(beta):  # the neighbour's is read meanwhile
            tasks.advance.run(str(theirs.pk))
            assert status_of(theirs) == "ready"
    finally:
        leave.set()
        worker.join()
    with in_tenant(alpha):
        tasks.advance.run(str(second.pk))
        assert (status_of(second), sent) == ("ready", [str(first.pk)])
        tasks.advance.run(sent.pop())
        assert (status_of(first), sent) == ("ready", [str(third.pk)])
        tasks.advance.run(sent.pop())
        assert (status_of(third), sent) == ("ready", [])


def test_a_file_that_breaks_the_worker_frees_the_place(in_alpha, sent, monkeypatch):
    def break_down(job: ImportJob) -> None:
        raise RuntimeError("a fault of ours")

    job = upload(in_alpha, 1)
    monkeypatch.setattr(services, "validate", break_down)
    tasks.advance.run(str(job.pk))
    assert status_of(job) == "failed"
    with services.only_one() as mine:
        assert mine


def test_a_file_whose_columns_nobody_has_named_yet_is_not_taken_up(in_alpha, sent):
    asked = upload(in_alpha, 1, ask=True)
    tasks.advance.run(str(upload(in_alpha, 2).pk))
    assert (status_of(asked), sent) == ("pending", [])
