"""What the self-check asks about mail: what was begun and never ended, and what does not leave."""

from datetime import timedelta

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.core.checkup import Finding, check, ok, problem, warning
from tenant_apps.notifications.models import Delivery

# A mail takes seconds; a try that a worker died over is made again within two minutes.
SLOW, STILL = timedelta(minutes=5), timedelta(minutes=30)
# What was given up weeks ago is not today's trouble.
LOOKED_BACK = timedelta(days=7)


@check("mail", gettext_lazy("Mail"), scope="tenant")
def mail() -> Finding:
    """Mails of the last seven days that were begun and are not out. One statement."""
    now = timezone.now()
    stuck = Delivery.objects.filter(
        channel__in=("email", "partner"), sent_at=None, created_at__lte=now - SLOW, created_at__gte=now - LOOKED_BACK
    ).aggregate(count=Count("pk"), oldest=Min("created_at"))
    if not stuck["count"]:
        return ok(_("All mails of the last days left."))
    words = ngettext(
        "%(count)d mail did not leave, since %(lag)s.", "%(count)d mails did not leave, the oldest since %(lag)s.",
        stuck["count"],
    ) % {"count": stuck["count"], "lag": timesince(stuck["oldest"], now)}  # fmt: skip
    todo = _("They are tried again by themselves. If you set a mail server of your own, check it under Settings.")
    return problem(words, todo) if now - stuck["oldest"] >= STILL else warning(words, todo)
