"""The staff's page of the sender: name, addresses, mail server, DNS records, and a test mail."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.notifications import mailer
from tenant_apps.notifications import sender as senders
from tenant_apps.notifications.dns_records import Checked
from tenant_apps.notifications.forms import SenderForm


@sensitive_post_parameters("password")
@staff("manage_settings")
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Who mail is from. What is sent with it holds from the next mail on."""
    own = senders.sender()
    initial = {name: getattr(own, name) for name in senders.FIELDS}
    form, status = SenderForm(initial=initial), 200
    if request.method == "POST":
        form, status = SenderForm(request.POST, initial=initial), 400
        if form.is_valid():
            typed = {**form.cleaned_data, "port": form.cleaned_data["port"] or 587}
            try:
                senders.change_sender(typed, actor=request.user)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved. Send yourself a test mail now."))
                return redirect("dashboard-mail-sender")
    return _show(request, form, status=status)


@staff("manage_settings")
@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """A mail to whoever presses the button."""
    try:
        messages.success(
            request, _("A test mail is on its way to {to}.").format(to=senders.send_test(actor=request.user))
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-mail-sender")


@staff("manage_settings")
@require_POST
@never_cache
def check(request: HttpRequest) -> HttpResponse:
    """What DNS says now, beside what it should say."""
    own = senders.sender()
    form = SenderForm(initial={name: getattr(own, name) for name in senders.FIELDS})
    try:
        return _show(request, form, checked=senders.check_records())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("dashboard-mail-sender")


@staff("manage_settings")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """The platform's sender and server again."""
    senders.remove_sender(actor=request.user)
    messages.success(request, _("Mail goes out in our name and through our server again."))
    return redirect("dashboard-mail-sender")


def _show(
    request: HttpRequest, form: SenderForm, *, checked: list[Checked] | None = None, status: int = 200
) -> HttpResponse:
    found = {each.record.kind: each for each in checked or ()}
    rows = [{"record": each, "checked": found.get(each.kind)} for each in senders.records()]
    own = mailer.own_sender()
    context: dict[str, Any] = {
        "kept": own is not None,
        "nav": "settings",
        "form": form,
        "own": own or senders.sender(),
        "records": rows,
        "checked": checked is not None,
        "waiting": senders.waiting_mails(),
    }
    return render(request, "dashboard/messages/sender.html", context, status=status)
