"""Reports by mail: who gets what when is decided here, and each time that one is due happens once.

A sweep claims what is due by moving `next_at` on, in one transaction with an outbox message whose key is the schedule
and the moment; so two beats and two workers make one message (G2). What follows from it, the file and one
mail for each recipient, is made outside of transactions and may be repeated without effect.

Recipients are people who hold `view_reports` in the whole tenant, when they are named and again when it is sent. An
address of somebody else is refused: who should read the figures is invited to the staff, if need be with that right
alone.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.accounts.models import User
from shared_apps.core.clock import local
from shared_apps.core.errors import DomainError, FieldError, InvalidInput, NotFound
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, enqueue, enqueue_all, gone, made, record
from tenant_apps.activity.services import message as outbox_message
from tenant_apps.notifications.wording import known_language
from tenant_apps.reports import asking, cron, runs
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.periods import PERIODS, days_of
from tenant_apps.reports.registry import Report, by_slug
from tenant_apps.reports.schedule_models import ReportSchedule
from tenant_apps.staff.models import Membership
from tenant_apps.staff.permissions import allowed
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

DUE, MAIL = "report.due", "report.mail"
USUAL_PERIOD = "last_7_days"
MOST_RECIPIENTS = 20
MOST_SCHEDULES = 50
FIELDS = ("report", "params", "format", "cron", "recipients", "enabled")
PARAMS = ("period", "group_by", "event", "compare", "mode")


class TooManySchedules(DomainError):
    code, status = "too_many_schedules", 409
    message = gettext_lazy("There are {most} schedules already. Delete one first.")


def people_with_the_right() -> list[User]:
    """Return everybody to whom reports may be mailed, by name; a statement, and one for each member."""
    ids = list(Membership.objects.values_list("user_id", flat=True))
    people = User.objects.filter(pk__in=ids, is_active=True).order_by("name", "email")
    return [person for person in people if allowed(person, asking.PERMISSION)]


def create(given: Mapping[str, Any], *, actor: Any) -> ReportSchedule:
    """Make a schedule. Raises InvalidInput with all that is wrong, TooManySchedules."""
    fields = _checked({"format": ReportSchedule.Format.PDF, "enabled": True, "params": {}, **given})
    with transaction.atomic():
        if ReportSchedule.objects.count() >= MOST_SCHEDULES:
            raise TooManySchedules(most=MOST_SCHEDULES)
        schedule = ReportSchedule(created_by=actor.pk, **fields)
        _plan(schedule)
        schedule.save()
        record("report_schedule.created", schedule, actor=actor, details=made(**_told(schedule)), deliver=False)
    return schedule


@transaction.atomic
def change(schedule: ReportSchedule, given: Mapping[str, Any], *, actor: Any) -> ReportSchedule:
    """Change what is given; the rest stays. Raises InvalidInput, NotFound."""
    found = ReportSchedule.objects.select_for_update().filter(pk=schedule.pk).first()
    if found is None:
        raise NotFound
    before = _told(found)
    present = {**{name: getattr(found, name) for name in FIELDS}, "recipients": _addresses(found.recipients)}
    fields = _checked({**present, **given}, had=found.recipients)
    planned = (found.cron, found.enabled, found.zone)
    for name, value in fields.items():
        setattr(found, name, value)
    if planned != (found.cron, found.enabled, current_tenant().timezone):
        _plan(found)
    found.save()
    change_made = before_and_after(before, _told(found))
    if change_made["fields"]:
        record("report_schedule.changed", found, actor=actor, details=change_made, deliver=False)
    return found


@transaction.atomic
def delete(schedule: ReportSchedule, *, actor: Any) -> None:
    """Delete it. What was sent stays where it is."""
    record("report_schedule.deleted", schedule, actor=actor, details=gone(**_told(schedule)), deliver=False)
    ReportSchedule.objects.filter(pk=schedule.pk).delete()


def shown_recipients(schedules: Sequence[ReportSchedule]) -> dict[int, User]:
    """Return the people of these schedules by their ids; one statement."""
    ids = {pk for schedule in schedules for pk in schedule.recipients}
    return {user.pk: user for user in User.objects.filter(pk__in=ids)}


# --- What is given --------------------------------------------------------------------------------------------------


def _checked(given: Mapping[str, Any], *, had: Sequence[int] = ()) -> dict[str, Any]:
    errors: list[FieldError] = []
    fields: dict[str, Any] = {}
    report = _report(given.get("report"), errors)
    if report is not None:
        fields["report"] = report.slug
        fields["params"] = _params(report, given.get("params"), errors)
    if given.get("format") not in ReportSchedule.Format.values:
        errors.append(FieldError("format", "invalid_choice", _("Choose one of %s.") % "csv, xlsx, pdf"))
    fields["format"] = given.get("format")
    if not isinstance(given.get("enabled"), bool):
        errors.append(FieldError("enabled", "invalid", _("true or false.")))
    fields["enabled"] = given.get("enabled")
    try:
        cron.parse(given.get("cron", ""))
    except InvalidInput as refusal:
        errors.append(FieldError("cron", refusal.code, str(refusal)))
    fields["cron"] = " ".join(str(given.get("cron", "")).split())
    fields["recipients"] = _recipients(given.get("recipients"), had, errors)
    if errors:
        raise InvalidInput(errors=errors)
    return fields


def _report(slug: Any, errors: list[FieldError]) -> Report | None:
    try:
        return by_slug(str(slug))
    except NotFound:
        errors.append(FieldError("report", "does_not_exist", _("There is no such report.")))
        return None


def _params(report: Report, given: Any, errors: list[FieldError]) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(value, str | int | bool) for value in given.values()):
        errors.append(FieldError("params", "invalid", _("Names and values, such as period and group_by.")))
        return {}
    if unknown := sorted(set(map(str, given)) - set(PARAMS)):
        errors += [FieldError(f"params.{name[:60]}", "unknown", _("There is no such parameter.")) for name in unknown]
        return {}
    texts = {name: "1" if value is True else "0" if value is False else str(value) for name, value in given.items()}
    texts = {name: text for name, text in texts.items() if text}
    texts.setdefault("period", USUAL_PERIOD)
    if texts["period"] not in PERIODS:
        errors.append(FieldError("params.period", "invalid_choice", _("Choose one of %s.") % ", ".join(PERIODS)))
        return texts
    try:
        asking.read(report, _asked(texts, timezone.now()), None)
    except InvalidInput as refusal:
        errors += [FieldError(f"params.{each.field}", each.code, each.message) for each in refusal.errors]
    return texts


def _recipients(given: Any, had: Sequence[int], errors: list[FieldError]) -> list[int]:
    """The ids of the people with these addresses. Who was on it already may stay, though the right is gone."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(each, str) for each in given):
        errors.append(FieldError("recipients", "invalid", _("A list of email addresses.")))
        return []
    wanted = list(dict.fromkeys(each.strip().lower() for each in given))
    if not 0 < len(wanted) <= MOST_RECIPIENTS:
        errors.append(FieldError("recipients", "invalid", _("One to %d addresses.") % MOST_RECIPIENTS))
        return []
    known = {person.email.lower(): person.pk for person in people_with_the_right()}
    known |= {user.email.lower(): user.pk for user in User.objects.filter(pk__in=had)} | known
    missing = [each for each in wanted if each not in known]
    if missing:
        errors.append(
            FieldError(
                "recipients", "recipient_without_right",
                _("Nobody here who may see reports has this address: %s.") % ", ".join(missing)[:300],
            )
        )  # fmt: skip
    return [known[each] for each in wanted if each in known]


def _asked(params: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What is asked of the report at a time: the period as days of the tenant's calendar."""
    today = local(now, current_tenant().timezone).date()
    since, until = days_of(params.get("period", USUAL_PERIOD), today)
    given = {name: value for name, value in params.items() if name != "period"}
    return {**given, "from": since.isoformat(), "to": until.isoformat()}


def _plan(schedule: ReportSchedule, after: datetime | None = None) -> None:
    """Reckon when it is due next, on the clock of the tenant's present zone."""
    schedule.zone = current_tenant().timezone
    after = after or timezone.now()
    schedule.next_at = cron.next_after(cron.parse(schedule.cron), after, schedule.zone) if schedule.enabled else None


def _addresses(ids: Sequence[int]) -> list[str]:
    found = dict(User.objects.filter(pk__in=ids).values_list("pk", "email"))
    return [found[pk] for pk in ids if pk in found]


def _told(schedule: ReportSchedule) -> dict[str, Any]:
    """What the audit trail keeps: ids of people, no addresses."""
    return {
        "report": schedule.report, "params": urlencode(sorted(schedule.params.items())), "format": schedule.format,
        "cron": schedule.cron, "recipients": [f"user {pk}" for pk in schedule.recipients],
        "enabled": schedule.enabled,
    }  # fmt: skip


# --- When it is due -------------------------------------------------------------------------------------------------


def send_due(now: datetime | None = None) -> int:
    """Claim every schedule that is due and leave an outbox message for each; returns how many. Late, twice and at once
    is once: whoever moves `next_at` on has it. What was missed while nothing ran is sent once, not once for each time.
    """
    now = now or timezone.now()
    claimed = 0
    due = ReportSchedule.objects.filter(enabled=True, next_at__lte=now).order_by("next_at", "pk")
    for pk in list(due.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            rows = ReportSchedule.objects.select_for_update(skip_locked=True)
            schedule = rows.filter(pk=pk, enabled=True, next_at__lte=now).first()
            if schedule is None or schedule.next_at is None:
                continue
            due_at = schedule.next_at
            _plan(schedule, now)
            schedule.last_at = due_at
            schedule.save(update_fields=["next_at", "zone", "last_at", "modified_at"])
            at = due_at.isoformat()
            claimed += enqueue(
                DUE, f"reports.reportschedule:{schedule.pk}", {"due_at": at}, key=f"{DUE}:{schedule.pk}:{at}"
            )
    replan(now)
    return claimed


def replan(now: datetime | None = None) -> int:
    """Where the tenant's zone changed, reckon schedules anew on its new clock; returns how many."""
    zone, changed = current_tenant().timezone, 0
    with transaction.atomic():
        for schedule in ReportSchedule.objects.select_for_update().filter(~Q(zone=zone)):
            _plan(schedule, now)
            schedule.save(update_fields=["next_at", "zone", "modified_at"])
            changed += 1
    return changed


# --- What follows ---------------------------------------------------------------------------------------------------


def make_file(message: OutboxMessage) -> None:
    """Make the file of a schedule that was due, and leave a mail for each recipient who still holds the right."""
    schedule = ReportSchedule.objects.filter(pk=message.aggregate.partition(":")[2]).first()
    if schedule is None:
        return
    tenant = current_tenant()
    due_at = datetime.fromisoformat(message.payload["due_at"])
    people = User.objects.filter(pk__in=schedule.recipients, is_active=True)
    readers = [person for person in people if allowed(person, asking.PERMISSION)]
    if readers:
        try:
            runs.make_now(
                by_slug(schedule.report), _asked(schedule.params, due_at), schedule.format,
                language=tenant.language, asked_by=None, pk=message.id,
            )  # fmt: skip
        except InvalidInput as refusal:
            # The event that it was of is gone: nobody can make it, and trying again changes nothing.
            logger.warning("report_mail_failed", extra={"report": schedule.report, "reason": refusal.code})
            return
    with transaction.atomic():
        enqueue_all(
            [
                outbox_message(
                    MAIL, f"reports.reportrun:{message.id}:{person.pk}", {"run": str(message.id), "user": person.pk},
                    key=f"{MAIL}:{message.id}:{person.pk}",
                )
                for person in readers
            ]
        )  # fmt: skip
        ReportSchedule.objects.filter(pk=schedule.pk).update(
            last_sent=len(readers), last_skipped=len(schedule.recipients) - len(readers)
        )


def language_of(person: User) -> str:
    """The reader's own language, else the tenant's."""
    return known_language(person.language, current_tenant().language)


def mail_of(message: OutboxMessage) -> tuple[User, ReportRun] | None:
    """Return whom a mail is for and the file it brings; None if the right is gone by now, or the file."""
    person = User.objects.filter(pk=message.payload["user"], is_active=True).first()
    run = ReportRun.objects.filter(pk=message.payload["run"]).first()
    if person is None or run is None or not allowed(person, asking.PERMISSION):
        return None
    return person, run


def title_of(run: ReportRun) -> str:
    """What the report is called, in the active language."""
    return str(by_slug(run.report).label)
