"""Reviews as visitors read and write them; each page works without JavaScript."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone, signed_in
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events.models import Event
from tenant_apps.reviews import attendance, services
from tenant_apps.reviews.errors import AddressUnconfirmed, EditClosed, NotAttended
from tenant_apps.reviews.forms import ReportForm, ReviewForm
from tenant_apps.reviews.models import Review
from tenant_apps.reviews.querysets import ORDERS

PER_PAGE = 20
MOST_TO_REVIEW = 20


@anyone
@require_safe
def listed(request: HttpRequest, slug: str) -> HttpResponse:
    """All reviews of an event; what is typed into the address and makes no sense counts as not given."""
    event = _event(slug)
    order = request.GET.get("ordering", "newest")
    order = order if order in ORDERS else "newest"
    stars = request.GET.get("rating", "")
    found = Review.objects.shown().filter(event=event)
    if stars in {"1", "2", "3", "4", "5"}:
        found = found.filter(rating=int(stars))
    context = {
        "nav": "events",
        "event": event,
        "standing": event.standing,
        "page": Paginator(found.order_by(*ORDERS[order]), PER_PAGE).get_page(request.GET.get("page")),
        "ordering": order,
        "orders": {"newest": _("Newest first"), "best": _("Best first"), "worst": _("Worst first")}.items(),
        "stars": int(stars) if stars in {"1", "2", "3", "4", "5"} else None,
    }
    return render(request, "storefront/reviews/list.html", context)


@signed_in
@never_cache
def write(request: HttpRequest, slug: str) -> HttpResponse:
    """Write a review, change it, or take it back. The letter that asks how it was leads here."""
    event = _event(slug)
    mine = Review.objects.own(request.user).filter(event=event).first()
    if request.method == "POST":
        return _written(request, event, mine)
    start: dict[str, Any] = {"name": services.short_name(request.user)}
    if mine is not None:
        start = {"rating": str(mine.rating), "comment": mine.comment, "name": mine.name}
    refused = _refusal(request, event, mine)
    return _page(request, event, mine, None if refused else ReviewForm(initial=start), refused=refused)


def _written(request: HttpRequest, event: Event, mine: Review | None) -> HttpResponse:
    if "withdraw" in request.POST:
        if mine is None:
            raise Http404
        services.withdraw(mine, actor=request.user)
        messages.success(request, _("Your review is taken back."))
        return redirect("storefront-event", slug=event.slug)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, event, mine, form, status=400)
    try:
        if mine is None:
            address = client_address(request)
            review = services.write(event, user=request.user, address=address, **form.fields_for_service())
        else:
            review = services.edit(mine, actor=request.user, **form.fields_for_service())
    except DomainError as refusal:
        show_refusal(form, refusal)
        return _page(request, event, mine, form, status=refusal.status)
    if review.is_published:
        messages.success(request, _("Thank you! Your review is shown."))
    else:
        messages.success(request, _("Thank you! Your review is shown as soon as the organizer has looked at it."))
    return redirect(f"/events/{event.slug}/#reviews")


def _refusal(request: HttpRequest, event: Event, mine: Review | None) -> str:
    """Why there is no form for the person, in words; empty where there is one."""
    try:
        attendance.require_over(event)
    except DomainError as refusal:
        return str(refusal)
    if mine is not None:
        return "" if services.is_editable(mine) else str(EditClosed.message)
    if request.user.email_verified_at is None:  # type: ignore[union-attr]  # the page is for who is signed in
        return str(AddressUnconfirmed.message)
    return "" if attendance.may_review(request.user, event) else str(NotAttended.message)


def _page(
    request: HttpRequest, event: Event, mine: Review | None, form: ReviewForm | None, *, refused: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        "nav": "events", "event": event, "mine": mine, "form": form, "refused": refused,
        "until": services.editable_until(mine) if mine else None,
    }  # fmt: skip
    return render(request, "storefront/reviews/write.html", context, status=status)


@signed_in
@never_cache
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """What the person could review here, and what they wrote."""
    found = Review.objects.own(request.user).select_related("event").order_by("-created_at", "-id")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    for review in page:
        review.editable = services.is_editable(review)
    context = {
        "tab": "reviews",
        "waiting": list(attendance.to_review(request.user).defer("search", "letters")[:MOST_TO_REVIEW]),
        "page": page,
    }
    return render(request, "account/reviews.html", context)


@signed_in
@never_cache
def report(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say that a review breaks the rules."""
    review = get_object_or_404(Review.objects.shown().select_related("event"), pk=pk)
    form, status = ReportForm(), 200
    if request.method == "POST":
        form, status = ReportForm(request.POST), 400
        if form.is_valid():
            try:
                services.report(review, user=request.user, **form.cleaned_data)
            except DomainError as refusal:
                show_refusal(form, refusal)
                # Whoever has not confirmed their address may see the page, and is told so on it.
                status = 400 if refusal.status == 403 else refusal.status
            else:
                messages.success(request, _("Thank you. The organizer looks at it."))
                return redirect(f"/events/{review.event.slug}/#reviews")
    context = {"nav": "events", "review": review, "event": review.event, "form": form}
    return render(request, "storefront/reviews/report.html", context, status=status)


def _event(slug: str) -> Event:
    found: Event = get_object_or_404(Event.objects.public().select_related("standing", "venue"), slug=slug)
    return found
