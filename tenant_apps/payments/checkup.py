"""What the self-check asks about money: can buyers pay, with keys that open and in the right mode?"""

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.core.checkup import Finding, check, ok, problem, warning
from tenant_apps.payments import keys, providers
from tenant_apps.payments.models import ProviderAccount, ProviderEvent
from tenant_apps.payments.providers.base import ProviderFailed
from tenants.context import current_tenant


@check("provider_keys", gettext_lazy("Payment providers"), scope="tenant")
def provider_keys() -> Finding:
    """Whether the keys are there, open, and are live ones. Asks our own rows only: no provider is called."""
    accounts = list(ProviderAccount.objects.filter(enabled=True).order_by("provider"))
    closed, testing = [], []
    for account in accounts:
        label = str(providers.by_name(account.provider).label)
        try:
            keys.secrets_of(account)
        except ProviderFailed:
            closed.append(label)
        if not account.live:
            testing.append(label)
    if closed:
        return problem(
            _("The keys of %s can no longer be read, so nobody can pay with it.") % ", ".join(closed),
            _("Enter them again under Settings, Payments."),
        )
    if not accounts and not [each for each in providers.offered() if not each.needs_account]:
        return problem(
            _("Buyers are offered no way to pay."), _("Connect a provider or allow paying by hand under Settings.")
        )
    if testing:
        return warning(
            _("%s is in test mode: no real money moves.") % ", ".join(testing),
            _("Enter live keys under Settings, Payments before you sell."),
        )
    if not accounts:
        return warning(
            _("No payment provider is connected: buyers of %s can only pay by hand.") % current_tenant().name,
            _("Connect one under Settings, Payments, unless that is what you want."),
        )
    labels = ", ".join(str(providers.by_name(account.provider).label) for account in accounts)
    return ok(_("Connected with live keys: %s.") % labels)


@check("provider_messages", gettext_lazy("Messages of payment providers"), scope="tenant")
def provider_messages() -> Finding:
    """Signed messages that had no effect yet although they were tried. One statement."""
    stuck = list(
        ProviderEvent.objects.filter(done_at=None, tries__gte=3)
        .values_list("account__provider")
        .annotate(Count("pk"))
        .order_by("account__provider")
    )
    if not stuck:
        return ok(_("All were understood."))
    count = sum(number for _provider, number in stuck)
    words = ngettext(
        "%(count)d message had no effect after three tries (%(providers)s).",
        "%(count)d messages had no effect after three tries (%(providers)s).",
        count,
    ) % {"count": count, "providers": ", ".join(str(providers.by_name(name).label) for name, _number in stuck if name)}
    return warning(words, _("Compare the money report with the provider's own. The log says why."))
