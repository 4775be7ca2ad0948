"""Two beats by mistake, or while one takes over from the other: every effect comes once all the same (G3)."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from platform_config import schedule
from platform_config.launcher.processes import wait_until
from tenant_apps.activity.hints import one_for_all
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.orders.models import Order
from tenants.context import in_tenant
from tests.background.parts import Broker, beat, worker
from tests.factories import make_order, make_paid_order, make_ticket_type

OFTEN = ("tenants.look_around", "activity.sweep", "orders.expire_overdue", "payments.poll_due", "imports.resume")
ORDERS = 6


def test_two_beats_and_two_workers_do_everything_once(
    broker: Broker, transactional_db: None, alpha: Any, beta: Any, tmp_path: Path
) -> None:
    schedule.sync_schedule()
    each_second = schedule.timing(every=timedelta(seconds=1), at=None)
    PeriodicTask.objects.exclude(name__in=OFTEN).update(enabled=False)
    PeriodicTask.objects.filter(name__in=OFTEN).update(**each_second, expire_seconds=None)
    PeriodicTasks.update_changed()
    overdue: dict[Any, set[str]] = {}
    for tenant in (alpha, beta):
        with in_tenant(tenant), one_for_all():
            free = make_ticket_type(price_minor=0)
            for _ in range(ORDERS):
                make_paid_order(free)
            late = [make_order(make_ticket_type()).code for _ in range(ORDERS)]
            Order.objects.filter(code__in=late).update(expires_at=timezone.now())
            overdue[tenant] = set(late)
    broker.empty()  # what was hinted at meanwhile: the schedule alone does the work

    beats = [beat(tmp_path, broker.url, name=f"beat{number}") for number in (1, 2)]
    workers = [worker(tmp_path, broker.url, name=f"w{number}") for number in (1, 2)]
    with beats[0], beats[1], workers[0], workers[1]:
        assert wait_until(lambda: all(_is_done(tenant, codes) for tenant, codes in overdue.items()), 90, 0.2)
        rounds = [each.said("Sending due task activity.sweep") for each in beats]
        # Both go on over what is done already.
        assert wait_until(
            lambda: all(each.said("Sending due task activity.sweep") >= rounds[0] + 3 for each in beats), 60, 0.2
        )

    posted = Counter(path.read_text(errors="replace").split("Message-ID: ")[1].split()[0] for path in _mails(tmp_path))
    assert set(posted.values()) == {1}
    for tenant, codes in overdue.items():
        with in_tenant(tenant):
            assert set(Order.objects.filter(status="expired").values_list("code", flat=True)) == codes
            assert AuditEntry.objects.filter(topic="order.expired").count() == ORDERS
            paid = OutboxMessage.objects.filter(topic="order.paid").values_list("pk", flat=True)
            assert sum(1 for pk in paid if any(str(pk) in key for key in posted)) == ORDERS
            assert not OutboxMessage.objects.exclude(parked_at=None).exists()
    # When entries ran last is in the database for operators, though beats were killed.
    assert not PeriodicTask.objects.filter(name__in=OFTEN, last_run_at=None).exists()


def _is_done(tenant: Any, codes: set[str]) -> bool:
    with in_tenant(tenant):
        return (
            Order.objects.filter(code__in=codes, status="expired").count() == len(codes)
            and not OutboxMessage.objects.filter(delivered_at=None).exists()
        )


def _mails(home: Path) -> list[Path]:
    return sorted((home / "mail").glob("*"))
