"""The staff's pages of messages to an event's people: write, look at it as a reader does, send, follow, stop."""

import uuid
from typing import Any

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.activity.once import once
from tenant_apps.events.models import Event
from tenant_apps.notifications import message_words, messages, previews, segments
from tenant_apps.notifications.message_forms import WAYS, MessageForm
from tenant_apps.notifications.models import Message
from tenant_apps.staff.permissions import permissions_on

SHOWN = 50


def _form(event: Event, *args: Any, **kwargs: Any) -> MessageForm:
    return MessageForm(
        *args,
        types=event.ticket_types.order_by("position", "pk"),
        lists=event.check_in_lists.order_by("pk"),
        offered=messages.offered(),
        **kwargs,
    )


@staff("send_notifications")
@never_cache
def write(request: HttpRequest, slug: str) -> HttpResponse:
    """What was sent, and a new message: first as one reader sees it with how many get it, then for good."""
    event = get_object_or_404(Event.objects.select_related("venue"), slug=slug)
    form, preview, status = _form(event), None, 200
    if request.method == "POST":
        form, status = _form(event, request.POST), 400
        if form.is_valid():
            try:
                segment = segments.checked(event, form.segment())
                if "send" in request.POST:
                    return _sent(request, event, segment, form)
                if "change" not in request.POST:
                    preview = previews.preview(
                        event,
                        segment,
                        subject=form.cleaned_data["subject"],
                        text=form.cleaned_data["message"],
                        channels=form.cleaned_data["channels"],
                        actor=request.user,
                    )
                status = 200
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
    listed = list(event.messages.order_by("-created_at")[:SHOWN])
    context = {
        "nav": "events",
        "event": event,
        "event_rights": permissions_on(request.user, event),
        "event_tab": "messages",
        "form": form,
        "preview": preview,
        "listed": listed,
        "placeholders": message_words.WRITTEN.allowed,
    }
    return render(request, "dashboard/messages/write.html", context, status=status)


def _sent(request: HttpRequest, event: Event, segment: segments.Segment, form: MessageForm) -> HttpResponse:
    """Begin to send, once for each time that the form was shown."""
    data = form.cleaned_data

    def act() -> str:
        begun = messages.start(
            event,
            segment,
            subject=data["subject"],
            text=data["message"],
            channels=data["channels"],
            actor=request.user,
        )
        return str(begun.pk)

    # Without a key of its own the form is no page of ours; the service's own rules hold all the same.
    pk = once(f"message:{request.user.pk}:{event.pk}", data["key"], act) if data["key"] else act()
    return redirect("dashboard-event-message", slug=event.slug, pk=pk)


@staff("send_notifications")
@never_cache
@require_safe
def message(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """What it says, to whom, and how far it is. While it goes out the page asks again by itself."""
    event = get_object_or_404(Event, slug=slug)
    found = get_object_or_404(event.messages, pk=pk)
    far = messages.progress(found)
    context = {
        "nav": "events",
        "event": event,
        "event_rights": permissions_on(request.user, event),
        "event_tab": "messages",
        "message": found,
        "progress": far,
        "going": found.status == Message.Status.RUNNING or (far.under_way and found.status == Message.Status.DONE),
        "segment": previews.in_words(event, segments.Segment.from_json(found.segment)),
        "ways": [WAYS[name] for name in found.channels if name in WAYS],
    }
    return render(request, "dashboard/messages/message.html", context)


@staff("send_notifications")
@require_POST
def stop(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Send it to nobody else."""
    found = get_object_or_404(Message, event__slug=slug, pk=pk)
    found = messages.stop(found, actor=request.user)
    if found.status == Message.Status.STOPPED:
        notes.success(request, _("Stopped. Nobody else gets it."))
    return redirect("dashboard-event-message", slug=slug, pk=pk)
