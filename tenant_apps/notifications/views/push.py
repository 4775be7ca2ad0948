"""A person's page of the devices that take pushes, and the service worker that shows them."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from shared_apps.core.access import anyone, signed_in
from shared_apps.core.errors import DomainError
from tenant_apps.notifications import push_devices
from tenant_apps.notifications.channels import push
from tenant_apps.notifications.message_forms import DeviceForm


@signed_in
@never_cache
def devices(request: HttpRequest) -> HttpResponse:
    """The person's devices. A browser adds itself by its button; removing one needs no script."""
    status = 200
    if request.method == "POST":
        form, status = DeviceForm(request.POST), 400
        if form.is_valid():
            try:
                push_devices.subscribe(request.user, **form.cleaned_data)
            except DomainError as refusal:
                messages.error(request, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("This device shows you messages from now on."))
                return redirect("my-devices")
        else:
            messages.error(request, _("This browser did not say how to reach it."))
    context = {"tab": "notifications", "devices": push_devices.devices_of(request.user), "key": push.public_key()}
    return render(request, "account/devices.html", context, status=status)


@signed_in
@require_POST
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Send nothing to that device any more."""
    push_devices.remove(request.user, pk)
    messages.success(request, _("That device gets nothing any more."))
    return redirect("my-devices")


@anyone
@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker of this one page; it shows what comes, and opens it on a click."""
    response = render(request, "account/push_worker.js", content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    # Nothing is loaded by it.
    response["Content-Security-Policy"] = "default-src 'none'"
    return response
