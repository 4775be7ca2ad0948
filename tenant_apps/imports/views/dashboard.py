"""A price list on its way in, as staff see it: what it would change, what is wrong with it, and how far it is."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.imports import services
from tenant_apps.imports.models import ImportJob
from tenant_apps.staff.permissions import permissions_of

RUNNING = (ImportJob.Status.PENDING, ImportJob.Status.VALIDATING, ImportJob.Status.APPLYING)
SHOWN = 200


@staff("import")
def upload(request: HttpRequest) -> HttpResponse:
    """Choose a file; it is checked, and nothing is changed before somebody has looked at the differences."""
    _admit(request)
    refusal = None
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            job = services.start(
                resource="products",
                file_name=(file.name or "") if file else "",
                # No more than is refused anyway is read into memory.
                content=file.read(services.MOST_BYTES + 1) if file else b"",
                actor=request.user,
            )
            return redirect("dashboard-import-job", pk=job.pk)
        except DomainError as refused:
            refusal = refused
    recent = ImportJob.objects.filter(resource="products").defer("content", "errors", "changes")
    context = {"nav": "products", "refusal": refusal, "jobs": recent.order_by("-created_at", "-pk")[:10]}
    return render(request, "dashboard/imports/upload.html", context, status=400 if refusal else 200)


@staff("import")
def job(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """How it stands. While it runs the page asks again by itself, so the bar survives a reload."""
    found = _job(request, pk)
    context = {
        "nav": "products",
        "job": found,
        "running": found.status in RUNNING,
        "progress": services.progress_of(found),
        "changes": found.changes[:SHOWN],
        "errors": found.errors[:SHOWN],
    }
    return render(request, "dashboard/imports/job.html", context)


@staff("import")
@require_POST
def apply(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        services.ask_to_apply(_job(request, pk), actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-import-job", pk=pk)


def _job(request: HttpRequest, pk: uuid.UUID) -> ImportJob:
    _admit(request)
    found = ImportJob.objects.filter(pk=pk, resource="products").defer("content").first()
    if found is None:
        raise Http404
    return found


def _admit(request: HttpRequest) -> None:
    """A role: who was granted one category only brings in no list that may touch all of them."""
    if not permissions_of(request.user) >= {"import", "change_catalog"}:
        raise Http404
