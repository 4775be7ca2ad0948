"""Asking for one's data or for its end, and doing it: tenant by tenant, taken up again wherever it was broken off (P3).

A step is claimed in public (SKIP LOCKED, with a lease), done in one transaction of its tenant, and ticked off in
public. Killed in between it is done once more, which changes nothing: what is replaced is not found again (G2, G4).
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from shared_apps.accounts import limits, trail
from shared_apps.accounts.errors import WrongPassword
from shared_apps.accounts.models import Session, User
from shared_apps.accounts.tokens import end_everywhere
from shared_apps.core import personal
from shared_apps.core.errors import DomainError
from shared_apps.people import archive, avatars
from shared_apps.people.errors import ExportNotThere, OwnerMustTransfer
from shared_apps.people.models import DataRequest, DataRequestStep
from tenants.context import in_public, in_tenant
from tenants.errors import TenantMissing
from tenants.models import Tenant
from tenants.schema_state import labels_of

logger = logging.getLogger(__name__)

KEPT = timedelta(days=7)
RECORD_KEPT = timedelta(days=90)
# Longer than a task may run, so that nobody takes a step over that is still worked on (G4).
LEASE = timedelta(seconds=60)
# An export that a tenant refuses so often is given up and can be asked for anew. An erasure is never given up.
MOST_TRIES = 10
LONGEST_PAUSE = 3600

Kind, Status = DataRequest.Kind, DataRequest.Status


# --- Asking -------------------------------------------------------------------------------------------------------


def ask_for_export(user: User) -> DataRequest:
    """Begin to gather the person's data. While one is under way, asking again finds it."""
    running = DataRequest.objects.filter(user=user, kind=Kind.EXPORT, status=Status.RUNNING).first()
    if running is not None:
        return running
    limits.count("data_export", str(user.pk))
    return _begin(user, Kind.EXPORT)


def ask_for_erasure(user: User, password: str, *, session: Session | None) -> DataRequest:
    """Close the account at once and begin to replace the person's data everywhere. There is no way back.

    Raises WrongPassword, and OwnerMustTransfer for who owns a tenant that is not closed.
    """
    counted = limits.count("password_check", f"session:{session.pk}" if session else f"user:{user.pk}")
    if not user.check_password(password):
        trail.note_refusal("proof.refused", user_id=user.pk, code=WrongPassword.code)
        raise WrongPassword(field="password")
    limits.take_back(counted)
    with transaction.atomic():
        # Opening and handing over a tenant name this row too: of both at once one waits.
        locked = User.objects.select_for_update().get(pk=user.pk)
        owned = Tenant.objects.filter(owner=locked).exclude(status=Tenant.Status.CLOSED).order_by("pk")
        if names := list(owned.values_list("name", flat=True)[:5]):
            raise OwnerMustTransfer(tenants=", ".join(names))
        request = _begin(locked, Kind.ERASURE)
        locked.is_active = False
        locked.save(update_fields=["is_active"])
        end_everywhere(locked)
        # What was gathered for them earlier goes too.
        DataRequest.objects.filter(user=locked, kind=Kind.EXPORT).delete()
    return request


def _begin(user: User, kind: str) -> DataRequest:
    from shared_apps.people.tasks import work_soon

    with transaction.atomic():
        # Only who has proved that an address is theirs gets what guests ordered by it.
        email = user.email if user.email_verified else ""
        request = DataRequest.objects.create(user=user, kind=kind, email=email, name=user.name)
        there = Tenant.objects.exclude(status=Tenant.Status.OPENING).order_by("pk").values_list("pk", flat=True)
        steps = [DataRequestStep(request=request, tenant_id=tenant) for tenant in (*there, None)]
        DataRequestStep.objects.bulk_create(steps, batch_size=1000)
        topic = "data.erasure_asked" if kind == Kind.ERASURE else "data.export_asked"
        trail.note(topic, user.pk, target=f"people.datarequest:{request.pk}")
        work_soon(request)
    return request


# --- Doing --------------------------------------------------------------------------------------------------------


def work(request_id: Any, *, seconds: float = 30) -> bool:
    """Do the request's steps that are due, for so long; return whether some can still be done at once."""
    until = monotonic() + seconds
    while (step := _claim(request_id)) is not None:
        _try(step)
        if monotonic() > until:
            return True
    return False


def _open_steps(request_id: Any) -> QuerySet[DataRequestStep]:
    """Steps that can be done: the platform's own, which ends the person's row, when all tenants' are."""
    others = DataRequestStep.objects.filter(request=OuterRef("request"), done_at__isnull=True, tenant__isnull=False)
    due = DataRequestStep.objects.filter(
        request_id=request_id, request__status=Status.RUNNING, done_at__isnull=True, due_at__lte=timezone.now()
    )
    return due.filter(Q(tenant__isnull=False) | ~Exists(others))


def _claim(request_id: Any) -> DataRequestStep | None:
    with in_public(), transaction.atomic():
        step = (
            _open_steps(request_id)
            .select_related("request", "tenant")
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at", "pk")
            .first()
        )
        if step is not None:
            step.tries += 1
            step.due_at = timezone.now() + LEASE
            step.save(update_fields=["tries", "due_at"])
        return step


def _try(step: DataRequestStep) -> None:
    """Do one step; what goes wrong there is noted, tried again later, and keeps no other tenant waiting."""
    try:
        result = _done_in(step)
    except Exception as error:  # whatever one tenant's data or database does, the others go on
        logger.warning(
            "data_request_step_failed",
            exc_info=True,
            extra={"data_request": str(step.request_id), "schema": step.tenant and step.tenant.schema_name},
        )
        code = error.code if isinstance(error, DomainError) else type(error).__name__
        pause = timedelta(seconds=min(15 * 2 ** min(step.tries - 1, 10), LONGEST_PAUSE))
        with in_public():
            DataRequestStep.objects.filter(pk=step.pk, done_at__isnull=True).update(
                error=code[:60], due_at=timezone.now() + pause
            )
            if step.request.kind == Kind.EXPORT and step.tries >= MOST_TRIES:
                DataRequest.objects.filter(pk=step.request_id, status=Status.RUNNING).update(
                    status=Status.FAILED, finished_at=timezone.now(), email="", name=""
                )
        return
    with in_public(), transaction.atomic():
        DataRequestStep.objects.filter(pk=step.pk).update(done_at=timezone.now(), error="", result=result)
        _finish(step.request_id)


def _done_in(step: DataRequestStep) -> bytes | None:
    if step.tenant is None:
        with in_public(), transaction.atomic():
            return _part(step, labels_of(settings.SHARED_APPS))
    try:
        with in_tenant(step.tenant), transaction.atomic():
            return _part(step, labels_of(settings.TENANT_APPS))
    except TenantMissing:
        if step.tenant.status == Tenant.Status.CLOSED:
            return None  # closed, and its schema erased: nothing is held there any more
        raise


def _part(step: DataRequestStep, labels: Collection[str]) -> bytes | None:
    """Hand out or replace what the present schema holds; all of it or nothing."""
    request = step.request
    person = personal.located(person_of(request), labels)
    holdings = personal.holdings(labels)
    if request.kind == Kind.EXPORT:
        return archive.packed({each.title: each.export(person) for each in holdings if each.export is not None})
    for each in holdings:
        if each.erase is not None:
            each.erase(person)
    return None


def person_of(request: DataRequest) -> personal.Person:
    """Return whom the request is about, as they were when they asked."""
    alias = f"erased-{request.pk.hex[-16:]}@{personal.ERASED_DOMAIN}"
    return personal.Person(request.user_id, request.email.lower(), request.name, alias)


def _finish(request_id: Any) -> None:
    """After the last step: the archive is there, or nothing of the person is."""
    request = DataRequest.objects.select_for_update().select_related("user").get(pk=request_id)
    if request.status != Status.RUNNING or request.steps.filter(done_at__isnull=True).exists():
        return
    now = timezone.now()
    if request.kind == Kind.EXPORT:
        request.archive = _archive_of(request)
        request.status, request.expires_at = Status.READY, now + KEPT
        request.steps.update(result=None)
    else:
        request.status = Status.DONE
    request.finished_at, request.email, request.name = now, "", ""
    request.save(update_fields=["archive", "status", "expires_at", "finished_at", "email", "name"])


def _archive_of(request: DataRequest) -> bytes:
    parts = [
        (step.tenant.slug if step.tenant else "account", bytes(step.result or b""))
        for step in request.steps.select_related("tenant").order_by("pk").iterator(chunk_size=200)
    ]
    picture = avatars.picture_of(request.user_id)
    return archive.zipped(parts, {"account/picture.webp": picture} if picture else {})


# --- Asking how far it is -----------------------------------------------------------------------------------------


def exports_of(user: Any) -> QuerySet[DataRequest]:
    """Return the person's exports, newest first, without the archives."""
    return DataRequest.objects.filter(user_id=user.pk, kind=Kind.EXPORT).defer("archive").order_by("-created_at")


def progress(request: DataRequest) -> dict[str, Any]:
    """Return how far it is: steps done and in all, and by name the tenants that are tried again."""
    counts = request.steps.aggregate(total=Count("pk"), done=Count("pk", filter=Q(done_at__isnull=False)))
    failing = request.steps.filter(done_at__isnull=True).exclude(error="").select_related("tenant").order_by("pk")[:20]
    return {
        "done": counts["done"],
        "total": counts["total"],
        "failing": [
            {"tenant": each.tenant.name if each.tenant else None, "error": each.error, "tries": each.tries}
            for each in failing
        ],
    }


def archive_of(user: Any, request_id: Any) -> bytes:
    """Return the bytes of an export. Raises ExportNotThere for another's, an unfinished and an expired one."""
    ready = DataRequest.objects.filter(
        pk=request_id, user_id=user.pk, kind=Kind.EXPORT, status=Status.READY, expires_at__gt=timezone.now()
    ).first()
    if ready is None or ready.archive is None:
        raise ExportNotThere
    return bytes(ready.archive)


def unfinished() -> QuerySet[DataRequest]:
    """Return requests that have a step that could be done now."""
    due = DataRequestStep.objects.filter(request=OuterRef("pk"), done_at__isnull=True, due_at__lte=timezone.now())
    return DataRequest.objects.filter(Exists(due), status=Status.RUNNING).order_by("created_at")


def forget_old() -> None:
    """Drop archives after seven days and the record of a request after ninety."""
    now = timezone.now()
    DataRequest.objects.filter(status=Status.READY, expires_at__lte=now).update(status=Status.EXPIRED, archive=None)
    DataRequest.objects.exclude(status=Status.RUNNING).filter(created_at__lt=now - RECORD_KEPT).delete()
