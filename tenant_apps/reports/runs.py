"""Reports that are made in the background: asked for, made by a worker with progress, fetched, forgotten.

A run has the figures of the events that who asked could see then. It is open to whose right reaches as far at the
moment they look (I4), so nobody learns from another's file what they could not ask for by themselves.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from shared_apps.core.errors import DomainError, Forbidden, NotFound, TooManyRequests
from tenant_apps.activity.services import made, record
from tenant_apps.reports import asking, building, files
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.registry import Report, by_slug
from tenants.context import current_tenant

KEEP = timedelta(days=7)
# A worker that says nothing for so long is dead; another takes its run over, so often.
SILENCE = timedelta(minutes=6)
MOST_TRIES = 3
# The task of a run that waits longer than this was lost.
WAITS = timedelta(minutes=1)
# Runs of one tenant that wait or are being made at a time (N7).
MOST_OPEN = 20
MOST_BYTES = 30 * 1024 * 1024
OPEN = (ReportRun.Status.WAITING, ReportRun.Status.RUNNING)


class TooManyRuns(TooManyRequests):
    code = "too_many_report_runs"
    message = _("Many reports are being made already. Please wait for these.")


@transaction.atomic
def ask(report: Report, params: Mapping[str, Any], kind: str, *, actor: Any, language: str | None = None) -> ReportRun:
    """Write down that somebody wants a report as a file; a worker makes it. Raises what `asking.query_for` raises, and
    TooManyRuns."""
    query = asking.query_for(report, params, actor)
    if ReportRun.objects.filter(status__in=OPEN).count() >= MOST_OPEN:
        raise TooManyRuns
    kept = {name: str(params[name]) for name in asking.NAMES if params.get(name)}
    run = ReportRun.objects.create(
        report=report.slug,
        # The days as they were meant today: a run that waits over midnight is of the same.
        params={**kept, "from": query.from_.isoformat(), "to": query.to.isoformat()},
        format=kind,
        language=language or get_language() or "",
        events=None if query.events is None else sorted(query.events),
        asked_by=actor.pk,
    )
    record("report.asked", run, actor=actor, details=made(report=report.slug, format=kind, **run.params))
    return run


def make_now(
    report: Report,
    params: Mapping[str, Any],
    kind: str,
    *,
    events: frozenset[int] | None = None,
    asked_by: int | None = None,
    language: str = "",
    pk: UUID | None = None,
) -> ReportRun:
    """Make a run at once, for who works in the background already. With the same `pk` twice it is made once.

    The caller answers for `events`: nobody's rights are asked.
    """
    query = asking.read(report, params, events)
    fields = {
        "report": report.slug,
        "params": {
            **{name: str(params[name]) for name in asking.NAMES if params.get(name)},
            "from": query.from_.isoformat(), "to": query.to.isoformat(),
        },
        "format": kind,
        "language": language,
        "events": None if events is None else sorted(events),
        "asked_by": asked_by,
    }  # fmt: skip
    run = (
        ReportRun.objects.create(**fields) if pk is None else ReportRun.objects.get_or_create(pk=pk, defaults=fields)[0]
    )
    if run.status in OPEN:
        _make(run)
        run.refresh_from_db()
    return run


def make(pk: Any) -> None:
    """Make a run that waits, or whose worker died. Twice, late and at once is once."""
    now = timezone.now()
    mine = ReportRun.objects.filter(pk=pk)
    run = mine.defer("content").first()
    if run is None or run.status not in OPEN:
        return
    if run.status == ReportRun.Status.RUNNING and run.modified_at > now - SILENCE:
        return
    if run.tries >= MOST_TRIES:
        _fail(run, str(_("It could not be made. Ask for fewer days or group by less.")))
        return
    # Whoever changes the count first has it.
    if not mine.filter(tries=run.tries, status=run.status).update(
        status=ReportRun.Status.RUNNING, tries=run.tries + 1, progress=0, modified_at=now
    ):
        return
    run.tries += 1
    with override(run.language or current_tenant().language):
        if _still_may(run):
            _make(run)
        else:
            _fail(run, str(_("Whoever asked for it may not see it any more.")))


def _still_may(run: ReportRun) -> bool:
    """Whether a person who asked still sees as much as then. A key's rights are asked when it fetches the file."""
    if run.asked_by is None or run.asked_by < 0:
        return True
    person = User.objects.filter(pk=run.asked_by, is_active=True).first()
    return person is not None and _covers(asking.seen_events(person), run)


def _covers(seen: frozenset[int] | None, run: ReportRun) -> bool:
    return seen is None or (bool(seen) and run.events is not None and seen.issuperset(run.events))


def _make(run: ReportRun) -> None:
    """Reckon and write the file; the progress is told as it goes. A refusal ends the run, in words."""

    def tell(percent: float) -> None:
        ReportRun.objects.filter(pk=run.pk).update(progress=int(percent), modified_at=timezone.now())

    tell(5)
    if not building.is_complete():
        building.bring_up_to_date(seconds=200)
    tell(30)
    try:
        report = by_slug(run.report)
        events = None if run.events is None else frozenset(run.events)
        result = report.answer(asking.read(report, run.params, events))
        tell(50)
        _name, _type, content = files.written(
            report, result, run.format, language=run.language, progress=lambda share: tell(50 + 45 * share)
        )
    except DomainError as refusal:
        _fail(run, str(refusal))
        return
    if len(content) > MOST_BYTES:
        _fail(run, str(_("The file would be too large. Ask for fewer days or group by less.")))
        return
    done = ReportRun.objects.filter(pk=run.pk, status__in=OPEN)
    done.update(
        status=ReportRun.Status.DONE, progress=100, rows=len(result.rows), content=content,
        finished_at=timezone.now(), modified_at=timezone.now(),
    )  # fmt: skip


def _fail(run: ReportRun, words: str) -> None:
    ReportRun.objects.filter(pk=run.pk, status__in=OPEN).update(
        status=ReportRun.Status.FAILED, error=words[:300], finished_at=timezone.now(), modified_at=timezone.now()
    )


def run_for(actor: Any, pk: Any) -> ReportRun:
    """Return a run, without its file, for whose right reaches as far as the run's: they could ask for the same. Raises
    NotFound for all others, for who asked and lost the right too."""
    run = ReportRun.objects.defer("content").filter(pk=pk).first()
    if run is None or not _covers(asking.seen_events(actor), run):
        raise NotFound
    return run


def runs_for(actor: Any) -> Any:
    """Return the runs that the actor asked for, newest first. Raises Forbidden for who sees no reports."""
    seen = asking.seen_events(actor)
    if seen is not None and not seen:
        raise Forbidden
    mine = ReportRun.objects.defer("content").filter(asked_by=actor.pk).order_by("-created_at")
    return mine if seen is None else mine.filter(events__contained_by=sorted(seen))


def content_of(run: ReportRun) -> bytes:
    """Return a finished run's file. Raises NotFound if there is none (any more)."""
    content = ReportRun.objects.filter(pk=run.pk).values_list("content", flat=True).get()
    if run.status != ReportRun.Status.DONE or content is None:
        raise NotFound
    return bytes(content)


def unfinished(now: datetime | None = None) -> list[UUID]:
    """Return the runs that nobody works on."""
    now = now or timezone.now()
    waiting = ReportRun.objects.filter(status=ReportRun.Status.WAITING, created_at__lt=now - WAITS)
    dead = ReportRun.objects.filter(status=ReportRun.Status.RUNNING, modified_at__lt=now - SILENCE)
    return [*waiting.values_list("pk", flat=True), *dead.values_list("pk", flat=True)]


def forget_old(now: datetime | None = None) -> int:
    """Delete runs and their files a week after they were asked for; returns how many rows."""
    return int(ReportRun.objects.filter(created_at__lt=(now or timezone.now()) - KEEP).delete()[0])
