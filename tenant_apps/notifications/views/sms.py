"""The staff's page of the account for text messages."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.notifications import sms_accounts
from tenant_apps.notifications.message_forms import SmsForm


@staff("manage_settings")
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """The sender, the key and what a day may cost; what was sent today."""
    found = sms_accounts.account()
    there = {"sender": found.sender, "daily_parts": found.daily_parts, "enabled": found.enabled} if found else None
    form, status = SmsForm(initial=there or {"daily_parts": sms_accounts.DEFAULT_PARTS}), 200
    if request.method == "POST":
        form, status = SmsForm(request.POST), 400
        if form.is_valid():
            try:
                sms_accounts.set_up(**form.cleaned_data, actor=request.user)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved."))
                return redirect("dashboard-sms")
    context = {
        "nav": "settings",
        "form": form,
        "account": found,
        "offered": sms_accounts.is_offered(),
        "left": sms_accounts.left_today(found) if found else 0,
    }
    return render(request, "dashboard/settings/sms.html", context, status=status)


@staff("manage_settings")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Forget the account and its key."""
    sms_accounts.remove(actor=request.user)
    messages.success(request, _("The account for text messages is removed."))
    return redirect("dashboard-sms")
