"""The staff's page of one ticket: whose it is and was, what happened to it, and what can be done with it."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import passing_on
from tenant_apps.orders.forms import HandOverForm, NameForm
from tenant_apps.staff.permissions import permissions_on
from tenant_apps.ticketing import lifecycle
from tenant_apps.ticketing.models import CheckIn, Ticket
from tenant_apps.ticketing.rules import transfer_until
from tenant_apps.ticketing.scanning import REASONS

MOST_ENTRIES = 200


@staff("view_orders", "check_in")
@never_cache
@require_safe
def ticket(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    found, rights = _found(request.user, pk, "view_orders", "check_in")
    return _page(request, found, rights)


@staff("change_orders")
@never_cache
@require_POST
def change(request: HttpRequest, pk: uuid.UUID, act: str) -> HttpResponse:
    """Do one thing with a ticket. Deadlines do not bind staff; what ended or was used stays so."""
    found, rights = _found(request.user, pk, "change_orders")
    if act not in _ACTS:
        raise Http404
    do, done = _ACTS[act]
    form: Any = {"transfer": HandOverForm, "rename": NameForm}.get(act)
    bound = form(request.POST, auto_id=f"id_{act}_%s") if form else None
    if bound is not None and not bound.is_valid():
        return _page(request, found, rights, act=act, bound=bound)
    given = bound.cleaned_data if bound is not None else {"reason": request.POST.get("reason", "")}
    try:
        after = do(found, given, request.user)
    except DomainError as refusal:
        return _page(request, found, rights, act=act, bound=bound, refusal=refusal)
    messages.success(request, str(done))
    return redirect("dashboard-ticket", pk=after.pk)


def _found(user: Any, pk: uuid.UUID, *permissions: str) -> tuple[Ticket, frozenset[str]]:
    """A ticket of an event on which the person holds one of the permissions, and all that they hold; else 404."""
    found = Ticket.objects.select_related("event", "ticket_type").filter(pk=pk).first()
    if found is None:
        raise Http404
    rights = permissions_on(user, found.event)
    if not rights & set(permissions):
        raise Http404
    return found, rights


def _page(
    request: HttpRequest,
    found: Ticket,
    rights: frozenset[str],
    *,
    act: str = "",
    bound: Any = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    line = passing_on.line_of(found)
    chain = passing_on.chain_of(found)
    entries = AuditEntry.objects.filter(target__in=[f"ticketing.ticket:{each.pk}" for each in chain])
    scans = CheckIn.objects.filter(ticket__in=chain).select_related("check_in_list", "ticket")
    may_change = "change_orders" in rights
    context = {
        "nav": "orders",
        "ticket": found,
        "event": found.event,
        "order": line.order if line and "view_orders" in rights else None,
        "chain": chain,
        "entries": entries.order_by("-at", "-pk")[:MOST_ENTRIES] if "view_orders" in rights else [],
        "scans": [(scan, REASONS.get(scan.reason, "")) for scan in scans.order_by("-received_at")[:MOST_ENTRIES]],
        "may_change": may_change,
        "may_transfer": may_change and line and passing_on.may_transfer(line.order, found, by_staff=True),
        "is_good": found.status in lifecycle.GOOD,
        "until": transfer_until(found.ticket_type, found.event),
        "act": act,
        "refusal": "; ".join(str(each.message) for each in refusal.errors) or refusal if refusal else None,
        "transfer_form": bound if act == "transfer" and bound is not None else HandOverForm(auto_id="id_transfer_%s"),
        "rename_form": bound
        if act == "rename" and bound is not None
        else NameForm(initial={"name": found.holder_name}, auto_id="id_rename_%s"),
    }
    status = refusal.status if refusal else 400 if bound is not None else 200
    return render(request, "dashboard/tickets/ticket.html", context, status=status)


def _transfer(found: Ticket, given: Mapping[str, Any], actor: Any) -> Ticket:
    return passing_on.pass_on(found, name=given["name"], email=given["email"], actor=actor, by_staff=True)


_Act = Callable[[Ticket, Mapping[str, Any], Any], Ticket]
_ACTS: dict[str, tuple[_Act, Any]] = {
    "transfer": (_transfer, gettext_lazy("The ticket is theirs now; they get it by mail.")),
    "rename": (
        lambda found, given, actor: passing_on.rename(found, name=given["name"], actor=actor, by_staff=True),
        gettext_lazy("Saved. The ticket carries the new name."),
    ),
    "new-code": (
        lambda found, given, actor: lifecycle.reissue(found, actor=actor, by_staff=True),
        gettext_lazy("The ticket has a new code, which is on its way by mail. The old one admits nobody."),
    ),
    "resend": (
        lambda found, given, actor: lifecycle.resend(found, actor=actor),
        gettext_lazy("The ticket is on its way again."),
    ),
    "revoke": (
        lambda found, given, actor: lifecycle.revoke(found, reason=given["reason"], actor=actor),
        gettext_lazy("The ticket is withdrawn: it admits nobody."),
    ),
    "reinstate": (
        lambda found, given, actor: lifecycle.reinstate(found, actor=actor),
        gettext_lazy("The ticket is good again."),
    ),
}
