"""What the self-check asks about webhooks: are the tenant's programs told?"""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.checkup import Finding, check, ok, problem, warning
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.sending import RESTS_AFTER

Why = WebhookEndpoint.Why
# How long an event that did not arrive is a thing to tell.
RECENT = timedelta(days=7)
_MOST_NAMED = 3


@check("webhooks", gettext_lazy("Webhooks"), scope="tenant")
def webhooks() -> Finding:
    """Endpoints that we switched off or that fail, and events that were given up. Two statements."""
    endpoints = list(WebhookEndpoint.objects.order_by("url").exclude(disabled_because=Why.STAFF))
    off = [each.url for each in endpoints if not each.enabled]
    failing = [each.url for each in endpoints if each.enabled and each.failures >= RESTS_AFTER]
    if off:
        return problem(
            _("Switched off because they failed or answered 410: %s.") % _named(off),
            _("Mend that server, switch the webhook on under Team, Webhooks, and send again what it missed."),
        )
    if failing:
        return warning(
            _("They do not take what is sent to them: %s.") % _named(failing),
            _("Look at the log under Team, Webhooks. After three days without success they are switched off."),
        )
    recent = Q(status=WebhookDelivery.Status.FAILED, done_at__gte=timezone.now() - RECENT)
    if lost := WebhookDelivery.objects.filter(recent, endpoint__in=[each.pk for each in endpoints]).count():
        return warning(
            _("Messages that were given up within seven days: %s.") % lost,
            _("Send them again under Team, Webhooks."),
        )
    if not endpoints:
        return ok(_("There are none."))
    return ok(_("All of them take what is sent to them."))


def _named(urls: list[str]) -> str:
    return ", ".join(urls[:_MOST_NAMED]) + (" …" if len(urls) > _MOST_NAMED else "")
