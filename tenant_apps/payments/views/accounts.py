"""The staff's pages of accounts with payment providers."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.payments import accounts, keys, providers
from tenant_apps.payments.forms import FORMS
from tenant_apps.payments.models import ProviderAccount


@staff("manage_settings")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Which providers there are, which are connected, in which mode."""
    connected: dict[str, list[ProviderAccount]] = {name: [] for name in FORMS}
    for account in ProviderAccount.objects.order_by("-enabled", "live"):
        connected.setdefault(account.provider, []).append(account)
    rows = [
        {"provider": provider, "accounts": connected[provider.name], "webhook_url": keys.webhook_url(provider.name)}
        for provider in providers.all_with_account()
    ]
    return render(request, "dashboard/settings/payments.html", {"nav": "settings", "rows": rows})


@staff("manage_settings")
def connect(request: HttpRequest, name: str) -> HttpResponse:
    """Type keys in; they are checked with the provider before they are kept."""
    if name not in FORMS:
        raise Http404
    form, status = FORMS[name](), 200
    if request.method == "POST":
        form, status = FORMS[name](request.POST), 400
        if form.is_valid():
            try:
                account = accounts.connect(name, form.cleaned_data, actor=request.user)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                if account.live:
                    messages.success(request, _("Connected. Buyers can pay with real money from now on."))
                else:
                    messages.success(request, _("Connected in test mode. No real money moves."))
                return redirect("dashboard-payment-accounts")
    context = {"nav": "settings", "form": form, "provider": providers.by_name(name)}
    return render(request, "dashboard/settings/payment_account.html", context, status=status)


@staff("manage_settings")
@require_POST
def switch(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Offer the account to buyers, or stop offering it."""
    account = get_object_or_404(ProviderAccount, pk=pk)
    account = accounts.switch(account, request.POST.get("enabled") == "1", actor=request.user)
    messages.success(
        request, _("Buyers are offered it now.") if account.enabled else _("Buyers are not offered it any more.")
    )
    return redirect("dashboard-payment-accounts")
