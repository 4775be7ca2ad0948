"""Operators see the schedule and change it, on the platform's host only (I3)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from platform_config.celery import app
from platform_config.schedule import SCHEDULE, sync_schedule
from platform_config.schedule_words import WORDS
from shared_apps.accounts.models import PlatformAuditEntry, User
from tests.factories import PASSWORD, make_user

LIST = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def operator(db: None) -> Any:
    return User.objects.create_superuser("operator@example.test", PASSWORD)


@pytest.fixture
def page(operator: Any, page_for: Any) -> Any:
    sync_schedule()
    return page_for(None, operator)


def row(name: str) -> PeriodicTask:
    return PeriodicTask.objects.select_related("interval", "crontab").get(name=name)


def change(page: Any, name: str, /, **body: Any) -> Any:
    return page.post(f"{LIST}{row(name).pk}/change/", body)


def act(page: Any, action: str, *names: str) -> Any:
    chosen = [row(name).pk for name in names]
    return page.post(LIST, {"action": action, "_selected_action": chosen}, follow=True)


def test_every_entry_is_there_with_what_it_does_when_it_ran_and_when_it_runs_next(page: Any) -> None:
    ran = timezone.now() - timedelta(seconds=10)
    if ran.second in (58, 59, 0, 1):  # the page reckons from its own now, some milliseconds later
        ran -= timedelta(seconds=5)
    PeriodicTask.objects.filter(name="orders.expire_overdue").update(last_run_at=ran)
    PeriodicTask.objects.filter(name="payments.poll_due").update(last_run_at=ran - timedelta(minutes=1))
    text = page.get(LIST).content.decode()
    lines = {
        name: re.sub(r"<[^>]+>", " ", line)
        for line in re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
        if (name := (re.search(r'change/[^>]*">([a-z_.]+)</a>', line) or ["", ""])[1])
    }
    assert set(lines) == {entry.name for entry in SCHEDULE} <= set(WORDS)
    for entry in SCHEDULE:
        assert str(WORDS[entry.name]).replace("'", "&#x27;") in lines[entry.name]
    assert "every 1 min" in lines["orders.expire_overdue"] and "daily at 03:10 UTC" in lines["reports.check_invariants"]
    assert "never" in lines["reports.check_invariants"] and ", overdue" in lines["payments.poll_due"]
    assert f"{ran + timedelta(minutes=1):%Y-%m-%d %H:%M}" in lines["orders.expire_overdue"]
    assert ", overdue" not in lines["orders.expire_overdue"]


def test_nobody_but_operators_and_no_tenants_host_has_the_page(
    page: Any, page_for: Any, operator: Any, alpha: Any
) -> None:
    assert page.get(LIST).status_code == 200
    assert page_for(alpha, operator).get(LIST).status_code == 404
    assert page_for(None, make_user()).get(LIST, follow=True).status_code == 404
    assert page_for().get(LIST).status_code == 302


def test_what_an_operator_sets_survives_a_deploy_reaches_beat_and_is_written_down(page: Any, operator: Any) -> None:
    before = PeriodicTasks.last_change()
    assert change(page, "activity.sweep", enabled="on", every=2, unit="minutes").status_code == 302
    assert change(page, "reports.check_invariants", enabled="on", at="04:30").status_code == 302
    assert change(page, "imports.resume", every=1, unit="minutes").status_code == 302  # without `enabled`: off
    assert PeriodicTasks.last_change() > before
    assert sync_schedule() == 0
    assert row("activity.sweep").interval.every == 120
    assert (row("reports.check_invariants").crontab.hour, row("reports.check_invariants").crontab.minute) == ("4", "30")
    assert row("imports.resume").enabled is False
    assert "as delivered: every 15 s" in page.get(LIST).content.decode()
    # Nobody else's entry moved along.
    assert row("payments.poll_due").interval.every == 30
    entries = PlatformAuditEntry.objects.filter(topic="schedule.changed").order_by("at")
    assert [(entry.target, entry.actor_id) for entry in entries] == [
        (f"schedule:{name}", operator.pk) for name in ("activity.sweep", "reports.check_invariants", "imports.resume")
    ]
    assert entries[0].details == {
        "before": {"runs": "every 15 s", "on": True}, "after": {"runs": "every 2 min", "on": True},
    }  # fmt: skip


def test_an_entry_goes_back_to_how_it_was_delivered(page: Any) -> None:
    change(page, "activity.sweep", every=2, unit="hours")
    assert row("activity.sweep").enabled is False
    act(page, "as_delivered", "activity.sweep")
    sweep = row("activity.sweep")
    assert (sweep.interval.every, sweep.enabled) == (15, True)


def test_entries_are_switched_off_and_on(page: Any) -> None:
    act(page, "switch_off", "activity.sweep", "imports.resume")
    assert PeriodicTask.objects.filter(enabled=False).count() == 2
    act(page, "switch_on", "activity.sweep", "imports.resume")
    assert not PeriodicTask.objects.filter(enabled=False).exists()


@pytest.mark.parametrize(
    "body",
    [
        {}, {"every": 0, "unit": "seconds"}, {"every": -5, "unit": "hours"}, {"every": 32, "unit": "days"},
        {"every": 5, "unit": "microseconds"}, {"every": 5, "unit": "minutes", "at": "04:00"}, {"at": "25:00"},
        {"every": 10**30, "unit": "days"}, {"every": "often", "unit": "days"},
    ],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_is_refused_and_nothing_changes(page: Any, body: dict[str, Any]) -> None:
    before = PeriodicTask.objects.filter(name="activity.sweep").values()[0]
    answer = change(page, "activity.sweep", enabled="on", **body)
    assert answer.status_code == 200 and b"errorlist" in answer.content
    assert PeriodicTask.objects.filter(name="activity.sweep").values()[0] == before


def test_what_an_entry_runs_cannot_be_changed_and_nothing_is_added_or_deleted(page: Any) -> None:
    change(page, "activity.sweep", enabled="on", every=1, unit="minutes", task="os.system", name="x", kwargs='{"a": 1}')
    sweep = row("activity.sweep")
    assert (sweep.task, sweep.kwargs) == ("tenants.for_each_tenant", '{"task_name": "activity.sweep"}')
    assert page.get(f"{LIST}add/").status_code == 403
    assert page.post(f"{LIST}{sweep.pk}/delete/", {"post": "yes"}).status_code == 403
    act(page, "delete_selected", "activity.sweep")
    assert row("activity.sweep")


def test_an_entry_runs_now_if_an_operator_says_so(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(app, "send_task", lambda name, **options: sent.append((name, options["kwargs"])))
    assert "Queued." in act(page, "run_now", "activity.sweep", "people.resume").content.decode()
    assert sent == [("tenants.for_each_tenant", {"task_name": "activity.sweep"}), ("people.resume", {})]
    assert PlatformAuditEntry.objects.filter(topic="schedule.run").count() == 2


def test_a_queue_that_does_not_answer_is_told_of(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(app, "send_task", refuse)
    assert "the queue does not answer (ConnectionError)" in act(page, "run_now", "activity.sweep").content.decode()


def test_a_silent_beat_is_told_of(page: Any) -> None:
    assert "Does beat run?" in page.get(LIST).content.decode()
    PeriodicTask.objects.filter(name="activity.sweep").update(last_run_at=timezone.now())
    assert "Does beat run?" not in page.get(LIST).content.decode()
