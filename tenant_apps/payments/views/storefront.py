"""A buyer's own order: its state, how to pay it, its tickets. Reached by the order's secret (T5)."""

import uuid
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
from tenant_apps.events import refunds as event_refunds
from tenant_apps.orders import attendees, invoices, passing_on, ticket_files
from tenant_apps.orders import services as orders
from tenant_apps.orders.forms import AttendeeForm
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments import line_refunds, polling, providers, refunds, services
from tenant_apps.payments.models import Refund
from tenant_apps.ticketing import qr
from tenant_apps.ticketing.codes import code_text, code_texts
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Ticket
from tenants.context import current_tenant
from tenants.preferences import preference

# An order with more lines than this shows each line's amounts on the line's own page.
MOST_PREVIEWS = 40


@own
@never_cache
@require_safe
def order(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The order's page, for the screen, the printer and the pocket."""
    return _page(request, find_order(code, secret))


@own
@never_cache
@require_POST
def pay(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """Start a try to pay through the chosen provider."""
    found = find_order(code, secret)
    options: dict[str, Any] = {}
    if request.POST.get("outcome"):
        options["test_outcome"] = request.POST["outcome"]
    try:
        payment, started = services.start(found, request.POST.get("provider", ""), **options)
    except DomainError as refusal:
        return _page(request, find_order(code, secret), refusal=refusal)
    if payment.status == "failed":
        messages.error(request, _("The payment was declined. You can try again."))
    elif started.redirect_url and providers.by_name(payment.provider).needs_account:
        return redirect(started.redirect_url)
    return _after_payment(found)


@own
@never_cache
@require_safe
def back(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The buyer comes back from the provider: ask it how it went, rather than wait for its message (O9)."""
    found = find_order(code, secret)
    try:
        wanted = uuid.UUID(request.GET.get("payment", ""))
    except ValueError:
        return _to(found)
    payment = found.payments.filter(pk=wanted, poll_at__isnull=False).select_related("order", "account").first()
    if payment is not None:
        payment = polling.ask(payment)
        if payment.status == "failed":
            messages.error(request, _("The payment was declined. You can try again."))
    return _after_payment(found)


@own
@never_cache
@require_POST
def cancel(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The buyer cancels their own order; its money goes back."""
    found = find_order(code, secret)
    try:
        refunds.cancel_order(found, actor=request.user if request.user.is_authenticated else None)
    except DomainError as refusal:
        return _page(request, find_order(code, secret), refusal=refusal)
    messages.success(request, _("The order is cancelled."))
    return _to(found)


@own
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def line(request: HttpRequest, code: str, secret: str, pk: uuid.UUID) -> HttpResponse:
    """One ticket, or one kind of goods: who comes with it, and what cancelling it would give back. A POST changes who
    comes."""
    found = find_order(code, secret)
    one = _line(found, pk)
    initial = {"name": one.attendee_name, "email": one.attendee_email}
    form = AttendeeForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            attendees.change_attendee(found, pk, actor=_person(request), **form.cleaned_data)
        except DomainError as refusal:
            return _line_page(request, found, one, form, refusal)
        messages.success(request, _("Saved. The ticket carries the new name."))
        return _to(found)
    return _line_page(request, found, one, form)


@own
@never_cache
@require_POST
def cancel_line(request: HttpRequest, code: str, secret: str, pk: uuid.UUID) -> HttpResponse:
    """The buyer cancels one line; its money goes back by the event's rule."""
    found = find_order(code, secret)
    _line(found, pk)
    try:
        line_refunds.cancel_lines(found, [pk], actor=_person(request))
    except DomainError as refusal:
        return _page(request, find_order(code, secret), refusal=refusal)
    messages.success(request, _("It is cancelled."))
    return _to(found)


@own
@never_cache
@require_safe
def ticket_png(request: HttpRequest, code: str, secret: str, ticket: uuid.UUID) -> HttpResponse:
    """One ticket's QR code as a picture to keep."""
    line: Any = find_order(code, secret).lines.filter(ticket=ticket).select_related("ticket__event").first()
    if line is None or line.ticket.is_passed_on:
        raise Http404
    response = HttpResponse(qr.png(code_text(line.ticket)), content_type="image/png")
    response["Content-Disposition"] = f'attachment; filename="ticket-{line.ticket.short_code}.png"'
    response["Cache-Control"] = "no-store, private"
    return response


def find_order(code: str, secret: str) -> Order:
    """Return the order that the secret opens. Raises Http404."""
    found = Order.objects.filter(code=code.upper()).first()
    # Compared outside SQL in constant time; an unknown code and a wrong secret look alike (T5).
    if found is None or not constant_time_compare(secret, found.secret):
        raise Http404
    return found


def _line(found: Order, pk: uuid.UUID) -> OrderLine:
    one: OrderLine | None = (
        found.lines.select_related("event", "ticket_type", "ticket__event", "ticket__ticket_type").filter(pk=pk).first()
    )
    if one is None:
        raise Http404
    passing_on.as_the_buyer_gave_them([one])
    return one


def _line_page(
    request: HttpRequest, found: Order, one: OrderLine, form: AttendeeForm, refusal: DomainError | None = None
) -> HttpResponse:
    ours = one.ticket if one.ticket is not None and not one.ticket.is_passed_on else None
    context = {
        "order": found,
        "line": one,
        "form": form,
        "refusal": refusal,
        "may_rename": _may_rename(found, one),
        "until": attendees.until_of(one),
        "may_transfer": ours is not None and passing_on.may_transfer(found, ours),
        "may_have_new_code": ours is not None and ours.status == Ticket.Status.ACTIVE,
        "preview": line_refunds.preview(found, [one.pk]),
        "rule": event_refunds.in_words(one.event) if one.event else [],
    }
    status = refusal.status if refusal else 400 if form.is_bound else 200
    return private(render(request, "storefront/orders/line.html", context, status=status))


def _may_rename(found: Order, one: OrderLine) -> bool:
    try:
        attendees.refuse_late_change(found, one)
    except DomainError:
        return False
    return True


def _person(request: HttpRequest) -> Any:
    return request.user if request.user.is_authenticated else None


def private(response: HttpResponse) -> HttpResponse:
    """Say that a page reached by a secret is nobody else's, whatever stands between."""
    response["Cache-Control"] = "no-store, private"
    # Not no-referrer: then browsers send "Origin: null" with the page's own forms, and CSRF refuses them (I6).
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def _to(found: Order) -> HttpResponse:
    return redirect(reverse("storefront-order", args=[found.code, found.secret]))


def _after_payment(found: Order) -> HttpResponse:
    """Thanks for what is paid; else the order's page, where one can try again."""
    found.refresh_from_db(fields=["status"])
    paid = found.status == Order.Status.PAID
    return redirect(reverse("storefront-thanks" if paid else "storefront-order", args=[found.code, found.secret]))


def _page(request: HttpRequest, found: Order, refusal: DomainError | None = None) -> HttpResponse:
    lines: list[Any] = list(
        found.lines.select_related(
            "event__venue", "event__category", "ticket_type", "ticket__event", "ticket__ticket_type"
        )
    )
    passing_on.as_the_buyer_gave_them(lines)
    tickets = [line.ticket for line in lines if line.ticket and not line.ticket.is_passed_on]
    texts = code_texts(tickets) if found.status == Order.Status.PAID else {}
    previews = line_refunds.previews(found) if len(lines) <= MOST_PREVIEWS else {}
    for line in lines:
        line.code = texts.get(line.ticket_id) if line.ticket and line.ticket.status in GOOD else None
        line.may_transfer = bool(line.code) and passing_on.may_transfer(found, line.ticket)
        line.qr = qr.svg(line.code, _("QR code of ticket %s") % line.ticket.short_code) if line.code else None
        line.preview = previews.get(line.pk)
        line.may_rename = line.kind == "ticket" and _may_rename(found, line)
        line.may_cancel = line.preview.refusal is None if line.preview else line.status == "active"
    pending = found.status == Order.Status.PENDING
    payments = list(found.payments.order_by("-created_at"))
    context = {
        "order": found,
        "lines": lines,
        "events": list({line.event_id: line.event for line in lines if line.event}.values()),
        "providers": providers.offered() if pending else [],
        "by_hand": next(
            (each for each in payments if each.provider in services.BY_HAND and each.status == "pending"), None
        ),
        "bank_details": preference(current_tenant(), "bank_transfer_details"),
        "refusal": refusal,
        "now": timezone.now(),
        "may_cancel": _may_cancel(found),
        "ticket_parts": range(1, ticket_files.parts_of(sum(bool(line.qr) for line in lines)) + 1),
        "papers": (papers := list(found.invoices.all())),
        "may_ask_invoice": not papers and invoices.may_ask(found),
        "promised_minor": refunds.promised_minor(found) if found.status == Order.Status.PAID else 0,
        # One line: its end is the order's, which has a button of its own.
        "several": sum(line.status == "active" for line in lines) > 1,
        "goods": [line for line in lines if line.kind == "product"],
        "steps": list(OrderLine.Fulfilment.choices)[:-1],
        "sent_back": Refund.objects.filter(payment__order=found).order_by("created_at"),
    }
    response = render(request, "storefront/orders/order.html", context, status=refusal.status if refusal else 200)
    private(response)
    # The form that starts a payment ends on the provider's own page.
    response._csp_update = {"form-action": [page for each in context["providers"] for page in each.pages]}  # type: ignore[attr-defined]  # django-csp's own attribute
    return response


def _may_cancel(found: Order) -> bool:
    if found.status not in (Order.Status.PENDING, Order.Status.PAID):
        return False
    try:
        orders.refuse_late_cancellation(found)
    except DomainError:
        return False
    return True
