"""A ticket in its holder's hands: passed on to somebody else, renamed, given another code.

The buyer reaches their own tickets by the order's secret; whoever was given one, by the ticket's (T5). Neither opens
the other's.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shared_apps.core.access import own
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.orders import passing_on
from tenant_apps.orders.forms import HandOverForm, NameForm
from tenant_apps.orders.models import Order
from tenant_apps.orders.views.invoices import opened
from tenant_apps.ticketing import lifecycle, qr
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.errors import TicketPassedOn
from tenant_apps.ticketing.models import Handover, Ticket
from tenant_apps.ticketing.rules import transfer_until


@dataclass(frozen=True, slots=True)
class Hand:
    """A ticket as its holder has it, and where their pages about it are."""

    ticket: Ticket
    order: Order
    home: str
    transfer: str
    new_code: str


@own
@never_cache
@require_safe
def holder(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    """The ticket of somebody who was given it."""
    return _holder_page(request, given(pk, secret), secret)


@own
@never_cache
@require_safe
def holder_png(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    """Its QR code as a picture to keep."""
    ticket = given(pk, secret).ticket
    if ticket.status not in lifecycle.GOOD:
        raise Http404
    response = HttpResponse(qr.png(code_text(ticket)), content_type="image/png")
    response["Content-Disposition"] = f'attachment; filename="ticket-{ticket.short_code}.png"'
    return _private(response)


@own
@never_cache
@require_POST
def holder_rename(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    """Change the name on it."""
    hand, form = given(pk, secret), NameForm(request.POST)
    if form.is_valid():
        try:
            passing_on.rename(hand.ticket, name=form.cleaned_data["name"], actor=_person(request))
        except DomainError as refusal:
            return _holder_page(request, hand, secret, form=form, refusal=refusal)
        messages.success(request, _("Saved. The ticket carries the new name."))
        return redirect(hand.home)
    return _holder_page(request, hand, secret, form=form)


@own
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def holder_transfer(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    return _transfer(request, given(pk, secret))


@own
@never_cache
@require_POST
def holder_new_code(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    hand = given(pk, secret)
    return _new_code(request, hand, lambda refusal: _holder_page(request, hand, secret, refusal=refusal))


@own
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def buyer_transfer(request: HttpRequest, code: str, secret: str, pk: uuid.UUID) -> HttpResponse:
    """A buyer's own ticket, by the line that it was ordered with."""
    return _transfer(request, _bought(code, secret, pk))


@own
@never_cache
@require_POST
def buyer_new_code(request: HttpRequest, code: str, secret: str, pk: uuid.UUID) -> HttpResponse:
    hand = _bought(code, secret, pk)

    def back(refusal: DomainError) -> HttpResponse:
        messages.error(request, str(refusal))
        return redirect(hand.home)

    return _new_code(request, hand, back)


def _transfer(request: HttpRequest, hand: Hand) -> HttpResponse:
    """A form, then what it means, then it is done: a slip of the finger gives no ticket away."""
    form = HandOverForm(request.POST if request.method == "POST" else None)
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        sure = request.POST.get("confirmed") == "1"
        try:
            if sure:
                new = passing_on.pass_on(hand.ticket, actor=_person(request), **form.cleaned_data)
                done = _("It is %(name)s's ticket now. They get it by mail.") % {"name": new.holder_name}
                messages.success(request, done)
                return redirect(hand.home)
            passing_on.refuse_transfer(hand.order, hand.ticket)
        except TicketPassedOn as passed:
            if _went_to(hand.ticket, form.cleaned_data["email"]):  # the same tap twice
                return redirect(hand.home)
            refusal = passed
        except DomainError as refused:
            refusal = refused if not refused.field else None
            if refused.field:
                show_refusal(form, refused)
    context = {
        "hand": hand,
        "ticket": hand.ticket,
        "event": hand.ticket.event,
        "form": form,
        "refusal": refusal,
        "ask": form.is_bound and form.is_valid() and not refusal,
        "until": transfer_until(hand.ticket.ticket_type, hand.ticket.event),
        "may": passing_on.may_transfer(hand.order, hand.ticket),
    }
    status = refusal.status if refusal else 400 if form.is_bound and form.errors else 200
    return _private(render(request, "storefront/tickets/transfer.html", context, status=status))


def _new_code(request: HttpRequest, hand: Hand, refused: Callable[[DomainError], HttpResponse]) -> HttpResponse:
    try:
        lifecycle.reissue(hand.ticket, actor=_person(request))
    except DomainError as refusal:
        return refused(refusal)
    messages.success(request, _("The ticket has a new code. What was printed or saved before admits nobody."))
    return redirect(hand.home)


def _holder_page(
    request: HttpRequest, hand: Hand, secret: str, *, form: NameForm | None = None, refusal: DomainError | None = None
) -> HttpResponse:
    ticket = hand.ticket
    good = ticket.status in lifecycle.GOOD
    gone = Handover.objects.select_related("new").filter(old=ticket).first()
    until = passing_on.rename_until(ticket)
    context = {
        "hand": hand,
        "ticket": ticket,
        "event": ticket.event,
        "secret": secret,
        "qr": qr.svg(code_text(ticket), _("QR code of ticket %s") % ticket.short_code) if good else None,
        "receiver": gone.new.holder_name if gone else "",
        "form": form or NameForm(initial={"name": ticket.holder_name}),
        "refusal": refusal,
        "rename_until": until if _open(ticket, until) else None,
        "may_transfer": passing_on.may_transfer(hand.order, ticket),
        "may_have_new_code": ticket.status == Ticket.Status.ACTIVE,
    }
    status = refusal.status if refusal else 400 if form is not None and form.errors else 200
    return _private(render(request, "storefront/tickets/holder.html", context, status=status))


def _open(ticket: Ticket, until: Any) -> bool:
    return ticket.status == Ticket.Status.ACTIVE and until is not None and timezone.now() < until


def given(pk: uuid.UUID, secret: str) -> Hand:
    """The ticket that this secret opens. Raises Http404 alike for what is not there and for a wrong secret (T5)."""
    ticket = _tickets().filter(pk=pk, secret__gt="").first()
    if ticket is None or not constant_time_compare(secret, ticket.secret):
        raise Http404
    line = passing_on.line_of(ticket)
    if line is None:
        raise Http404
    names = ("holder-ticket", "holder-transfer", "holder-new-code")
    return Hand(ticket, line.order, *(reverse(name, args=[pk, secret]) for name in names))


def _bought(code: str, secret: str, pk: uuid.UUID) -> Hand:
    """The ticket of a line of the order that this secret opens, as long as it is the buyer's. Raises Http404."""
    order = opened(code, secret)
    ticket = _tickets().filter(order_line__order=order, order_line=pk, secret="").first()
    if ticket is None:
        raise Http404
    home = reverse("storefront-order", args=[order.code, order.secret])
    names = ("storefront-line-transfer", "storefront-line-new-code")
    return Hand(ticket, order, home, *(reverse(name, args=[order.code, order.secret, pk]) for name in names))


def _tickets() -> Any:
    return Ticket.objects.select_related("event__venue", "event__category", "ticket_type")


def _went_to(ticket: Ticket, email: str) -> bool:
    return Handover.objects.filter(old=ticket, new__holder_email__iexact=email).exists()


def _person(request: HttpRequest) -> Any:
    return request.user if request.user.is_authenticated else None


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    # Not no-referrer: then browsers send "Origin: null" with the page's own forms, and CSRF refuses them (I6).
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response
