"""The schedule is written by code, once, and keeps what an operator changed."""

from datetime import timedelta

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from platform_config.celery import app
from platform_config.schedule import FAN_OUT, SCHEDULE, Entry, sync_schedule


def test_the_schedule_is_written_once(db):
    assert sync_schedule() == len(SCHEDULE)
    assert sync_schedule() == 0
    sweep = PeriodicTask.objects.get(name="activity.sweep")
    assert (sweep.task, sweep.kwargs) == (FAN_OUT, '{"task_name": "activity.sweep"}')
    assert sweep.interval.every == 15


def test_every_task_of_the_schedule_exists_and_runs_where_it_belongs(db):
    from tenants.tasks import TenantTask

    app.loader.import_default_modules()
    for entry in SCHEDULE:
        task = app.tasks[entry.task]
        assert isinstance(task, TenantTask) is entry.each_tenant, entry.name
    assert FAN_OUT in app.tasks


def test_what_an_operator_changed_stays(db):
    sync_schedule()
    slower = IntervalSchedule.objects.create(every=7, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.filter(name="activity.sweep").update(interval=slower)
    PeriodicTask.objects.filter(name="imports.resume").update(enabled=False)
    assert sync_schedule() == 0
    assert PeriodicTask.objects.get(name="activity.sweep").interval == slower
    assert PeriodicTask.objects.get(name="imports.resume").enabled is False


def test_a_schedule_that_code_changes_follows_unless_an_operator_set_it(db):
    before = (Entry("a", "tasks.a", every=timedelta(seconds=30)), Entry("b", "tasks.b", every=timedelta(seconds=30)))
    after = (Entry("a", "tasks.a", every=timedelta(seconds=90)), Entry("b", "tasks.b", every=timedelta(seconds=90)))
    sync_schedule(before)
    own = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.filter(name="b").update(interval=own)
    sync_schedule(after)
    assert PeriodicTask.objects.get(name="a").interval.every == 90
    assert PeriodicTask.objects.get(name="b").interval.every == 5
    assert sync_schedule(after) == 0


def test_an_entry_that_code_dropped_goes_and_an_operators_own_stays(db):
    sync_schedule()
    own = PeriodicTask.objects.create(
        name="mine", task="x.y", interval=IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    )
    sync_schedule(SCHEDULE[1:])
    assert not PeriodicTask.objects.filter(name=SCHEDULE[0].name).exists()
    assert PeriodicTask.objects.filter(pk=own.pk).exists()
