"""The staff's page of reviews: what waits for them, and everything else."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.events.models import Event
from tenant_apps.reviews import moderation
from tenant_apps.reviews.forms import AnswerForm, DecisionForm
from tenant_apps.reviews.models import Review
from tenant_apps.reviews.querysets import QUEUES
from tenant_apps.reviews.rules import HELD_FOR

PER_PAGE = 25


@staff("moderate_reviews")
@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """What waits for a decision first; each with the reasons why it does."""
    show = request.GET.get("show", "")
    show = show if show in QUEUES else "waiting"
    found = Review.objects.queue(show).select_related("event").prefetch_related("reports")
    event = None
    if slug := request.GET.get("event", "")[:80]:
        event = Event.objects.filter(slug=slug).first()
        found = found.filter(event=event) if event else found.none()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    for review in page:
        review.why = [HELD_FOR[rule] for rule in review.held_for if rule in HELD_FOR]
        review.told = [each for each in review.reports.all() if each.closed_at is None]
    context: dict[str, Any] = {
        "nav": "reviews",
        "page": page,
        "show": show,
        "event": event,
        "waiting": Review.objects.waiting().count(),
        "form": DecisionForm(),
    }
    return render(request, "dashboard/reviews/list.html", context)


@staff("moderate_reviews")
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Show the chosen reviews, or do not; all of them or none."""
    form = DecisionForm(request.POST)
    if form.is_valid():
        try:
            done = moderation.decide(
                _ids(request.POST.getlist("chosen")), form.cleaned_data["decision"], actor=request.user,
                reason=form.cleaned_data["reason"],
            )  # fmt: skip
            messages.success(request, _said(form.cleaned_data["decision"], len(done)))
        except DomainError as refusal:
            messages.error(request, str(refusal.errors[0].message if refusal.errors else refusal))
    else:
        for errors in form.errors.values():
            messages.error(request, str(errors[0]))
    return _back(request)


@staff("moderate_reviews")
@require_POST
def answer(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer a review, or take the answer away."""
    review = Review.objects.standing().filter(pk=pk).first()
    if review is None:
        raise Http404
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            if form.cleaned_data["text"].strip():
                moderation.answer(review, form.cleaned_data["text"], actor=request.user)
                messages.success(request, _("Your answer stands below the review."))
            else:
                moderation.take_answer_back(review, actor=request.user)
                messages.success(request, _("The answer is taken away."))
        except DomainError as refusal:
            messages.error(request, str(refusal.errors[0].message if refusal.errors else refusal))
    else:
        for errors in form.errors.values():
            messages.error(request, str(errors[0]))
    return _back(request)


def _said(decision: str, count: int) -> str:
    if decision == moderation.APPROVE:
        return ngettext("%d review is shown.", "%d reviews are shown.", count) % count
    return ngettext("%d review is not shown.", "%d reviews are not shown.", count) % count


def _ids(given: list[str]) -> list[uuid.UUID]:
    """What is no id is left out: then a review is missing, and the refusal says so."""
    found = []
    for text in given[: moderation.MOST_AT_ONCE + 1]:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


def _back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("back", "")[:300]
    return redirect(f"/dashboard/reviews/{back if back.startswith('?') else ''}")
