"""The mails of scheduled reports: one for each recipient, with the file, or its link where it is too large."""

from urllib.parse import urlencode

from django.utils import translation
from django.utils.translation import gettext as _

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.channels import email
from tenant_apps.reports import files, schedules
from tenant_apps.reports.models import ReportRun
from tenants import links
from tenants.context import current_tenant

# Larger ones are refused by many mail servers; base64 adds a third.
MOST_ATTACHED_BYTES = 5 * 1024 * 1024


@subscribe(schedules.DUE)
def make_file(message: OutboxMessage) -> None:
    """A schedule was due: make its file, once."""
    schedules.make_file(message)


@subscribe(schedules.MAIL)
def mail_report(message: OutboxMessage) -> None:
    """Mail the file to one recipient, unless the right is gone by now or it was done already."""
    if email.was_sent(message):
        return
    found = schedules.mail_of(message)
    if found is None:
        return
    person, run, schedule = found
    tenant, language = current_tenant(), schedules.language_of(person)
    content = bytes(run.content or b"")
    failed = run.status == ReportRun.Status.FAILED
    attached = bool(content) and len(content) <= MOST_ATTACHED_BYTES
    with translation.override(language):
        title = schedules.title_of(run, language)
        since, until = run.params.get("from", ""), run.params.get("to", "")
        mail = email.compose(
            "notifications/report",
            {
                "title": title, "since": since, "until": until, "attached": attached, "failed": failed,
                "error": run.error, "name": files.name_of(run),
                "url": links.url(tenant, f"/dashboard/reports/{run.report}/?{urlencode(run.params)}"),
                "schedules_url": links.url(tenant, "/dashboard/reports/schedules/"),
                "still_planned": schedule is not None,
                "home_url": links.url(tenant, "/"),
            },
            tenant=tenant,
            subject=_("%(title)s: %(since)s to %(until)s") % {"title": title, "since": since, "until": until},
            to=person.email,
            to_name=person.name,
            files=[email.File(files.name_of(run), content, files.content_type(run.format))] if attached else [],
        )  # fmt: skip
    email.send_once(message, mail)
