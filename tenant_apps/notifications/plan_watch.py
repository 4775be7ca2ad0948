"""What is nearly all that the plan allows: told before it is full, since then buyers are turned away.

Told once for each limit, and for each month of those that begin anew; again only after there was room in between or
the plan changed. Of less than ten of a thing people see by themselves how many are left.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from shared_apps.billing import limits
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import made, record
from tenant_apps.notifications.models import Noted
from tenant_apps.notifications.staff_alerts import alert
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Topic, register
from tenants.context import current_tenant

FULL_PERCENT, LEAST = 90, 10
PREFIX = "plan:"

NEARLY_FULL = register(
    Topic(
        "staff.plan_nearly_full", _("Staff: the plan is nearly used up"), (EMAIL, PUSH, FEED), staff=True,
        placeholders=("what", "used", "limit"),
        samples={"what": _("Paid tickets this month"), "used": "184", "limit": "200"},
        title=_("{what}: {used} of {limit} are used"),
        body=_("Your plan allows {limit}. What is beyond that is refused. A larger plan has room."),
    )
)  # fmt: skip


def watch(now: datetime | None = None) -> int:
    """Record `plan.nearly_full` for each limit that came to it since it was last looked at; returns how many. Two at
    once record it once."""
    now = now or timezone.now()
    tenant = current_tenant()
    month = f"{limits.month_begins(now):%Y-%m}"
    full = {
        f"{PREFIX}{figure.name}:{figure.limit}" + (f":{month}" if figure.name == "tickets_month" else ""): figure
        for figure in limits.counted_figures(tenant)
        if figure.limit is not None and figure.limit >= LEAST and (figure.percent or 0) >= FULL_PERCENT
    }
    told = 0
    with transaction.atomic():
        Noted.objects.filter(name__startswith=PREFIX).exclude(name__in=full).delete()
        for name, figure in full.items():
            _row, new = Noted.objects.get_or_create(name=name, defaults={"at": now})
            if new:
                facts = {"name": figure.name, "limit": figure.limit, "used": figure.used}
                record("plan.nearly_full", tenant, details=made(**facts), payload=facts)
                told += 1
    return told


@subscribe("plan.nearly_full")
def tell_of_plan(message: OutboxMessage) -> None:
    """Tell who looks after the settings. Not if there is room again: a larger plan, or something was taken away."""
    tenant, name = current_tenant(), str(message.payload["name"])
    figure = next((each for each in limits.counted_figures(tenant) if each.name == name), None)
    if figure is None or (figure.percent or 0) < FULL_PERCENT:
        return
    with translation.override(tenant.language):
        values = {"what": figure.label, "used": figure.shown_used, "limit": figure.shown_limit}
    alert(NEARLY_FULL, message, "manage_settings", values, url=limits.PAGE)
