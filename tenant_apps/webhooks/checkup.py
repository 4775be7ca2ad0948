"""What the self-check asks about webhooks: which endpoints were given up, and which are failing."""

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.checkup import Finding, check, ok, problem, warning
from tenant_apps.webhooks.models import WebhookEndpoint

SHOWN = 3


@check("webhooks", gettext_lazy("Webhooks"), scope="tenant")
def webhooks() -> Finding:
    """Endpoints that were switched off because they failed, or whose last tries failed. One statement."""
    rows = list(WebhookEndpoint.objects.order_by("failing_since", "pk"))
    given_up = [row for row in rows if not row.enabled and row.disabled_because in ("gone", "failing")]
    failing = [row for row in rows if row.enabled and row.failing_since is not None]
    if given_up:
        return problem(
            _("Nothing is sent any more to: %s.") % ", ".join(row.url for row in given_up[:SHOWN]),
            _("Read its log under Webhooks, mend what receives it, then switch it on and send again what it missed."),
        )
    if failing:
        first = failing[0]
        return warning(
            _("%(url)s has not taken anything for %(lag)s.")
            % {"url": first.url, "lag": timesince(first.failing_since, timezone.now())},
            _("It is tried again by itself for three days. Its log under Webhooks says what it answered."),
        )
    if not rows:
        return ok(_("None are set up."))
    return ok(_("All are served."))
