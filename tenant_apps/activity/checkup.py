"""What the self-check asks about the outbox: does what follows from a change leave, and is anything set aside?"""

from datetime import timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.core.checkup import Finding, check, ok, problem, warning
from tenant_apps.activity.models import OutboxMessage

# The sweep comes every 30 s: who waits for minutes is not being fetched.
SLOW, STILL = timedelta(minutes=2), timedelta(minutes=10)


@check("outbox", gettext_lazy("What follows from changes"), scope="tenant")
def outbox() -> Finding:
    """The queue's lag: how long the message has waited that is due for the longest time. One statement."""
    now = timezone.now()
    waiting = OutboxMessage.objects.filter(delivered_at=None, parked_at=None).aggregate(
        all=Count("pk"), due=Count("pk", filter=Q(due_at__lte=now)), oldest=Min("due_at"),
        again=Count("pk", filter=Q(tries__gt=0)),
    )  # fmt: skip
    lag = now - waiting["oldest"] if waiting["due"] else timedelta(0)
    if lag >= SLOW:
        words = ngettext(
            "%(count)d message (mail, webhook, job) waits, the oldest for %(lag)s.",
            "%(count)d messages (mails, webhooks, jobs) wait, the oldest for %(lag)s.",
            waiting["due"],
        ) % {"count": waiting["due"], "lag": timesince(waiting["oldest"], now)}
        todo = _("The background work is behind or stands still. Tell the platform's support if it lasts.")
        return problem(words, todo) if lag >= STILL else warning(words, todo)
    if waiting["again"]:
        words = ngettext(
            "%d message did not get through and is tried again by itself.",
            "%d messages did not get through and are tried again by themselves.",
            waiting["again"],
        )
        return warning(words % waiting["again"], _("Nothing to do now. The log says why."))
    return ok(_("Everything leaves within seconds."))


@check("parked", gettext_lazy("Messages set aside"), scope="tenant")
def parked() -> Finding:
    """What failed ten times. One statement."""
    found = OutboxMessage.objects.filter(parked_at__isnull=False, delivered_at=None)
    topics = list(found.values_list("topic").annotate(number=Count("pk")).order_by("-number", "topic")[:5])
    if not topics:
        return ok(_("Nothing is set aside."))
    count = sum(number for _topic, number in topics)
    words = ngettext(
        "%(count)d message failed ten times and was set aside: %(topics)s.",
        "%(count)d messages failed ten times and were set aside: %(topics)s.",
        count,
    ) % {"count": count, "topics": ", ".join(f"{topic} ({number})" for topic, number in topics)}
    return problem(words, _("Read in the log why, mend the cause, then let them be tried again."))
