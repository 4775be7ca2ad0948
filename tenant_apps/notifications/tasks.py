"""What is told by the clock. Each of these may run twice, late and at the same time, and tells once (G2)."""

from celery import shared_task

from tenant_apps.customers.models import FreshEvent
from tenant_apps.notifications import digest, followers, plan_watch, reminders, rounds, stock_watch
from tenant_apps.notifications.models import Round
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="notifications.remind")
def remind() -> None:
    """Every minute: plan and send reminders and the questions how an event was. What is left goes with the next one."""
    rounds.plan()
    if rounds.send_due(reminders.WRITERS):
        remind.apply_async(retry=False, expires=60)


@shared_task(base=TenantTask, name="notifications.watch_stock")
def watch_stock() -> None:
    """Every ten minutes where something was sold: tell staff what is nearly sold out, and of what the plan allows
    nearly no more; once for each time that it comes to that."""
    stock_watch.watch()
    plan_watch.watch()


@shared_task(base=TenantTask, name="notifications.send_digests")
def send_digests() -> None:
    """Every ten minutes: after the tenant's hour, tell each of the staff about the day before. Once a day."""
    digest.send()


@shared_task(base=TenantTask, name="notifications.tell_followers")
def tell_followers() -> None:
    """Every five minutes: tell followers of what went on sale a quarter of an hour ago, and since. Each of it once."""
    followers.tell_followers()


due.soonest("notifications.tell_followers", lambda: [(FreshEvent.objects.all(), "published_at", followers.WAIT)])
due.soonest("notifications.remind", lambda: [(Round.objects.filter(status="waiting"), "due_at"), *rounds.unplanned()])
# Sales leave a hint (`stock_watch`); once a day everybody is looked at, whatever was lost.
due.public_question("notifications.watch_stock", stock_watch.next_due)
due.public_question("notifications.send_digests", digest.next_due)
