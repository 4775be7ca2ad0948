"""Webhooks in the dashboard: where programs are told, what, and how that went."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events.times import BadTime, moment
from tenant_apps.webhooks import secrets, services
from tenant_apps.webhooks.forms import EndpointForm, SinceForm
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.outcomes import OUTCOMES
from tenant_apps.webhooks.topics import TEST, TOPICS
from tenants.context import current_tenant

PAGE = 50
_TEAM = {"nav": "team", "tab": "webhooks"}


@staff("manage_integrations")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """The endpoints, newest first."""
    endpoints = WebhookEndpoint.objects.order_by("-created_at", "-pk")
    return render(request, "dashboard/webhooks/list.html", {**_TEAM, "endpoints": endpoints})


@staff("manage_integrations")
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Make an endpoint. The answer to the form is the only page that shows its secret."""
    form = EndpointForm.of(None, request.POST or None)
    posted = request.method == "POST"
    if posted and form.is_valid():
        try:
            endpoint, secret = services.create_endpoint(actor=request.user, **form.fields_for_service())
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            return _shown_once(request, endpoint, secret)
    return render(request, "dashboard/webhooks/edit.html", {**_TEAM, "form": form}, status=400 if posted else 200)


@staff("manage_integrations")
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another address, other topics."""
    endpoint = _endpoint(pk)
    form = EndpointForm.of(endpoint, request.POST or None)
    posted = request.method == "POST"
    if posted and form.is_valid():
        try:
            services.change_endpoint(endpoint, actor=request.user, **form.fields_for_service())
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("dashboard-webhook", pk)
    context = {**_TEAM, "form": form, "endpoint": endpoint}
    return render(request, "dashboard/webhooks/edit.html", context, status=400 if posted else 200)


@staff("manage_integrations")
@never_cache
@require_safe
def log(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One endpoint: how it is, and what was sent to it, newest first."""
    endpoint = _endpoint(pk)
    rows = WebhookDelivery.objects.for_log().filter(endpoint=endpoint)
    status, topic = request.GET.get("status", ""), request.GET.get("topic", "")
    if status in WebhookDelivery.Status.values:
        rows = rows.filter(status=status)
    if topic in TOPICS or topic == TEST:
        rows = rows.filter(event__topic=topic)
    number = request.GET.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 and int(number) else 1
    found = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    for each in found:
        each.words = _words(each.outcome)
    context = {
        **_TEAM,
        "endpoint": endpoint,
        "everything": "*" in endpoint.topics,
        "both_until": secrets.previous_until(endpoint.sealed),
        "resting": endpoint.enabled and endpoint.failures and endpoint.rest_until > timezone.now(),
        "deliveries": found[:PAGE],
        "more": len(found) > PAGE,
        "page": page,
        "statuses": WebhookDelivery.Status.choices,
        "topics": [TEST, *TOPICS],
        "query": {"status": status, "topic": topic},
        "filtered": bool(status or topic),
        "since": SinceForm(),
    }
    return render(request, "dashboard/webhooks/log.html", context)


@staff("manage_integrations")
@never_cache
@require_safe
def delivery(request: HttpRequest, pk: UUID, delivery: UUID) -> HttpResponse:
    """One delivery: what was sent and how each try ended. What was answered is not shown (B7)."""
    found = _delivery(pk, delivery)
    tries = [{**entry, "words": _words(entry["outcome"])} for entry in reversed(found.log)]
    body = json.dumps(json.loads(found.event.body), indent=2, ensure_ascii=False)
    context = {**_TEAM, "delivery": found, "endpoint": found.endpoint, "tries": tries, "body": body}
    return render(request, "dashboard/webhooks/delivery.html", context)


@staff("manage_integrations")
@require_POST
def switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """On or off."""
    wanted = request.POST.get("enabled") == "1"
    services.change_endpoint(_endpoint(pk), enabled=wanted, actor=request.user)
    messages.success(request, _("The webhook is switched on.") if wanted else _("The webhook is switched off."))
    return redirect("dashboard-webhook", pk)


@staff("manage_integrations")
@require_POST
def test(request: HttpRequest, pk: UUID) -> HttpResponse:
    endpoint = _endpoint(pk)
    try:
        sent = services.send_test(endpoint, actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("dashboard-webhook", pk)
    messages.success(request, _("The test is on its way. Load this page again in a moment to see how it ended."))
    return redirect("dashboard-webhook-delivery", pk, sent.pk)


@staff("manage_integrations")
@never_cache
@require_POST
def rotate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new secret, shown once; the present one stays live for a day, or ends now if others have seen it."""
    overlap = timedelta() if request.POST.get("at_once") else secrets.OVERLAP
    endpoint, secret = services.rotate_secret(_endpoint(pk), overlap=overlap, actor=request.user)
    return _shown_once(request, endpoint, secret)


@staff("manage_integrations")
@require_POST
def replay(request: HttpRequest, pk: UUID, delivery: UUID) -> HttpResponse:
    found = _delivery(pk, delivery)
    try:
        services.replay(found, actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is sent again."))
    return redirect("dashboard-webhook-delivery", pk, delivery)


@staff("manage_integrations")
@require_POST
def replay_since(request: HttpRequest, pk: UUID) -> HttpResponse:
    endpoint = _endpoint(pk)
    form = SinceForm(request.POST)
    try:
        since = moment(form.cleaned_data["since"], current_tenant().timezone, "since") if form.is_valid() else None
        if since is None:
            messages.error(request, _("Give a day and a time."))
            return redirect("dashboard-webhook", pk)
        count = services.replay_since(endpoint, since, failed_only=form.cleaned_data["failed_only"], actor=request.user)
    except BadTime as problem:
        messages.error(request, str(problem))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        words = ngettext("%(count)s event is sent again.", "%(count)s events are sent again.", count)
        messages.success(request, words % {"count": count})
    return redirect("dashboard-webhook", pk)


@staff("manage_integrations")
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    services.delete_endpoint(_endpoint(pk), actor=request.user)
    messages.success(request, _("The webhook is deleted."))
    return redirect("dashboard-webhooks")


def _shown_once(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    context = {
        **_TEAM, "endpoint": endpoint, "secret": secret, "both_until": secrets.previous_until(endpoint.sealed),
    }  # fmt: skip
    return render(request, "dashboard/webhooks/secret.html", context)


def _words(outcome: str) -> Any:
    return OUTCOMES.get(outcome, outcome)


def _endpoint(pk: UUID) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _delivery(pk: UUID, delivery: UUID) -> WebhookDelivery:
    found: WebhookDelivery | None = (
        WebhookDelivery.objects.for_log().select_related("endpoint").filter(endpoint=pk, pk=delivery).first()
    )
    if found is None:
        raise Http404
    return found
