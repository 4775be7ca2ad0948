"""The staff's pages about API keys."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.staff import keys
from tenant_apps.staff.forms import KeyForm
from tenant_apps.staff.models import ApiKey
from tenant_apps.staff.permissions import event_model, permissions_of
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PERMISSIONS
from tenant_apps.staff.ticks import ticks


@staff("manage_integrations")
def listed(request: HttpRequest) -> HttpResponse:
    """The keys that were not revoked."""
    found = list(ApiKey.objects.standing().select_related("created_by").order_by("-pk")[:200])
    titles = dict(
        _events().filter(pk__in={pk for key in found for pk in key.event_ids or ()}).values_list("pk", "title")
    )
    for key in found:
        key.words = [PERMISSIONS[name] for name in PERMISSIONS if name in key.scopes]
        key.titles = [titles[pk] for pk in key.event_ids or () if pk in titles]
    return render(request, "dashboard/staff/keys.html", {"nav": "team", "tab": "keys", "keys": found})


@staff("manage_integrations")
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Make a key. The answer to the form is the only page that ever shows it."""
    held = permissions_of(request.user)
    # An event's title tells something: whose role has nothing to do with events makes keys for none.
    events = _events().exclude(status="archived").order_by("-starts_at")
    events = events if held & EVENT_PERMISSIONS.keys() else events.none()
    form = KeyForm(request.POST or None, events=events)
    posted = request.method == "POST"
    if posted and form.is_valid():
        typed = form.cleaned_data
        try:
            key, text = keys.make_key(
                name=typed["name"],
                scopes=typed["scopes"],
                events=list(typed["events"]) or None,
                expires_at=form.ends_at(),
                actor=request.user,
            )
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            return render(
                request, "dashboard/staff/key_made.html", {"nav": "team", "tab": "keys", "key": key, "text": text}
            )
    context = {
        "nav": "team",
        "tab": "keys",
        "form": form,
        "has_events": events.exists(),
        "groups": ticks(held, ticked=request.POST.getlist("scopes")),
    }
    return render(request, "dashboard/staff/key_new.html", context, status=400 if posted else 200)


@staff("manage_integrations")
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    found = ApiKey.objects.standing().filter(pk=pk).first()
    if found is None:
        raise Http404
    keys.revoke(found, actor=request.user)
    messages.success(request, _("The key is revoked. Programs that use it are refused from now on."))
    return redirect("dashboard-keys")


def _events() -> Any:
    return event_model()._default_manager.all()
