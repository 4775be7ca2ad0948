"""A file on its way in, as staff see it: which column is which, what it would change, what is wrong, how far it is."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.clock import zone_names
from shared_apps.core.errors import DomainError, Forbidden, InvalidInput
from tenant_apps.imports import columns as asking
from tenant_apps.imports import exporting, mapping, services
from tenant_apps.imports.models import ImportJob
from tenant_apps.staff.permissions import permissions_of

RUNNING = (ImportJob.Status.PENDING, ImportJob.Status.VALIDATING, ImportJob.Status.APPLYING)
SHOWN = 200
NAV = {"products": "products", "orders": "orders", "attendees": "orders"}
LIST = {"products": "/dashboard/products/", "orders": "/dashboard/orders/", "attendees": "/dashboard/orders/"}


@staff("import", "export")
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All kinds of files, in and out, and the last ones that came in."""
    held = permissions_of(request.user)
    resources = [name for name in services.RESOURCES if services.may_import(name, held)]
    jobs = ImportJob.objects.filter(resource__in=resources).defer("content", "errors", "changes", "errors_file")
    allowed = exporting.allowed_exports(request.user)
    context = {
        "nav": "files",
        # The same files under two names are one entry.
        "resources": [(name, services.RESOURCES[name].label) for name in resources if name != "orders"],
        "jobs": jobs.order_by("-created_at", "-pk")[:10],
        "exports": [(name, exporting.LABELS[name]) for name in exporting.EXPORTS if name in allowed],
        "formats": list(exporting.FORMATS),
    }
    return render(request, "dashboard/imports/index.html", context)


@staff("import")
def upload(request: HttpRequest, resource: str) -> HttpResponse:
    """Choose a file; nothing is changed before somebody has looked at the differences."""
    _admit(request, resource)
    kind = services.RESOURCES[resource]
    refusal = None
    if request.method == "POST":
        file = request.FILES.get("file")
        # No more than is refused anyway is read into memory.
        content = file.read(services.MOST_BYTES + 1) if file else b""
        name = (file.name or "") if file else ""
        try:
            found = asking.look_into(content, name, kind) if 0 < len(content) <= services.MOST_BYTES else None
            job = services.start(
                resource=resource,
                file_name=name,
                content=content,
                actor=request.user,
                ask=found is not None,
                looked=found,
            )
            return redirect("dashboard-import-columns" if found else "dashboard-import-job", pk=job.pk)
        except DomainError as refused:
            refusal = refused
    recent = ImportJob.objects.filter(resource=resource).defer("content", "errors", "changes", "errors_file")
    context = {
        "nav": NAV.get(resource, "events"),
        "resource": resource,
        "label": kind.label,
        "price_lists": kind.price_lists,
        "names": ", ".join([*kind.fields, *(f"{each}…" for each in kind.prefixes)]),
        "refusal": refusal,
        "jobs": recent.order_by("-created_at", "-pk")[:10],
    }
    return render(request, "dashboard/imports/upload.html", context, status=refusal.status if refusal else 200)


@staff("import")
def columns(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say which of the file's columns is which of ours; what is likely is chosen already."""
    found = _job(request, pk)
    if not found.header or found.status in (ImportJob.Status.APPLYING, ImportJob.Status.APPLIED):
        return redirect("dashboard-import-job", pk=pk)
    kind = services.RESOURCES[found.resource]
    sources = asking.proposed(found, found.samples, kind)
    refusal: DomainError | None = None
    errors: dict[str, str] = {}
    key = found.key
    if request.method == "POST":
        said = asking.given(request.POST, found, kind, sources)
        places = [place for place in request.POST.getlist("key") if place.isascii() and place.isdigit()]
        key = [found.header[int(place[:4])] for place in places if int(place[:4]) < len(found.header)]
        try:
            services.say_mapping(
                found, mapping=said, key=key, on_duplicate=request.POST.get("on_duplicate", "error"), actor=request.user
            )
            return redirect("dashboard-import-job", pk=pk)
        except InvalidInput as refused:
            refusal = refused
            errors = {one.field.removeprefix("mapping."): str(one.message) for one in refused.errors}
            sources = _as_said(said, kind) or sources
        except DomainError as refused:
            refusal = refused
    asked = asking.asked(found, kind, sources, errors)
    context = {
        "nav": NAV.get(found.resource, "events"),
        "job": found,
        "label": kind.label,
        "asked": [one for one in asked if one.required or one.is_mapped or one.error],
        "more": [one for one in asked if not (one.required or one.is_mapped or one.error)],
        "own_names": [name for name in sources if name not in kind.fields],
        "rows": found.samples[: asking.KEPT_SAMPLES],
        "splits": asking.SPLITS,
        "formats": asking.names_of_formats(),
        "zones": sorted(zone_names()),
        "by_key": kind.known_by_content,
        "keys": [(str(place), name, name in key) for place, name in enumerate(found.header) if name],
        "on_duplicate": ImportJob.OnDuplicate.choices,
        "refusal": refusal,
    }
    return render(request, "dashboard/imports/columns.html", context, status=400 if refusal else 200)


@staff("import")
@never_cache
@require_safe
def job(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """How it stands. While it runs the page asks again by itself, so the bar survives a reload."""
    found = _job(request, pk)
    if not found.mapped:
        return redirect("dashboard-import-columns", pk=pk)
    context = {
        "nav": NAV.get(found.resource, "events"),
        "job": found,
        "label": services.RESOURCES[found.resource].label,
        "list": LIST.get(found.resource, "/dashboard/events/?show=all"),
        "running": found.status in RUNNING,
        "progress": services.progress_of(found),
        "changes": found.changes[:SHOWN],
        "errors": found.errors[:SHOWN],
        "shown": SHOWN,
    }
    return render(request, "dashboard/imports/job.html", context)


@staff("import")
@require_POST
def apply(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Accept what the check showed; a worker applies it."""
    try:
        services.ask_to_apply(_job(request, pk), actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-import-job", pk=pk)


@staff("import")
@require_safe
def errors(request: HttpRequest, pk: uuid.UUID) -> StreamingHttpResponse:
    """Everything that is wrong with the file, as a file."""
    answer = StreamingHttpResponse(services.errors_csv(_job(request, pk)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="errors.csv"'
    return answer


@staff("export")
@never_cache
@require_safe
def export(request: HttpRequest, resource: str, kind: str) -> HttpResponseBase:
    """All rows as a file, streamed."""
    try:
        found = exporting.export(resource, request.user)
    except Forbidden:
        raise
    except DomainError:
        raise Http404 from None
    answer = StreamingHttpResponse(exporting.body(found, kind), content_type=exporting.FORMATS[kind])
    answer["Content-Disposition"] = f'attachment; filename="{resource}.{kind}"'
    return answer


def _as_said(said: dict[str, Any], kind: Any) -> mapping.Sources:
    """The form's choices to show again, without those that cannot be."""
    sources: mapping.Sources = {}
    for name, value in said.items():
        try:
            sources |= mapping.parse({name: value}, kind)
        except InvalidInput:
            options = value if isinstance(value, dict) else {"column": value}
            sources[name] = mapping.Source(options.get("column"), options.get("constant"))
    return sources


def _job(request: HttpRequest, pk: uuid.UUID) -> ImportJob:
    found = ImportJob.objects.filter(pk=pk).defer("content", "errors_file").first()
    if found is None:
        raise Http404
    _admit(request, found.resource)
    return found


def _admit(request: HttpRequest, resource: str) -> None:
    """A role: who was granted one event or category only brings in no file that may touch all of them."""
    if resource not in services.RESOURCES or not services.may_import(resource, permissions_of(request.user)):
        raise Http404
