"""The mails of scheduled reports: one for each recipient, with the file, or its link where it is too large."""

from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import BULK, route
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.topics import EMAIL, FEED, Recipient, Text, Topic, register, topic
from tenant_apps.reports import files, schedules
from tenant_apps.reports.models import ReportRun
from tenants import links
from tenants.context import current_tenant

# Larger ones are refused by many mail servers; base64 adds a third.
MOST_ATTACHED_BYTES = 5 * 1024 * 1024
TOPIC = "report.scheduled"

route(schedules.DUE, BULK)
route(schedules.MAIL, BULK)
register(
    Topic(
        TOPIC, gettext_lazy("Staff: a scheduled report"), (EMAIL, FEED), staff=True,
        placeholders=("report", "since", "until", "file"),
        samples={
            "report": gettext_lazy("Sales"), "since": "2026-10-01", "until": "2026-10-31",
            "file": gettext_lazy("The file sales.pdf is attached."),
        },
        title=gettext_lazy("{report}: {since} to {until}"),
        body=gettext_lazy("{report} from {since} to {until}.\n\n{file}"),
    )
)  # fmt: skip


@subscribe(schedules.DUE)
def make_file(message: OutboxMessage) -> None:
    """A schedule was due: make its file, once."""
    schedules.make_file(message)


@subscribe(schedules.MAIL)
def mail_report(message: OutboxMessage) -> None:
    """Mail the file to one recipient, unless the right is gone by now or it was done already."""
    found = schedules.mail_of(message)
    if found is None:
        return
    person, run = found
    tenant, language = current_tenant(), schedules.language_of(person)
    to = Recipient(user_id=person.pk, email=person.email, name=person.name, language=language)
    content = bytes(run.content or b"")
    attached = bool(content) and len(content) <= MOST_ATTACHED_BYTES
    name, page = files.name_of(run), f"/dashboard/reports/{run.report}/?{urlencode(run.params)}"
    with override(language):
        values = {
            "report": schedules.title_of(run),
            "since": run.params.get("from", ""),
            "until": run.params.get("to", ""),
            "file": _file(run, name, attached),
        }

    def mail(text: Text) -> email.Mail:
        given = [email.File(name, content, files.content_type(run.format))] if attached else []
        return email.compose(
            "notifications/notice", {"url": links.url(tenant, page)}, tenant=tenant, text=text, topic=topic(TOPIC),
            to=to, files=given,
        )  # fmt: skip

    tell(message, TOPIC, to, values, url=page, mail=mail)


def _file(run: ReportRun, name: str, attached: bool) -> str:
    """What became of the file, in the active language."""
    if run.status == ReportRun.Status.FAILED:
        return _("It could not be made: %s") % run.error
    if attached:
        return _("The file %s is attached.") % name
    return _("The file is too large for a mail. Open the report and download it there.")
