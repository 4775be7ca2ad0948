"""Letters to a tenant's owner about its end: rows first, sent by the sweep, the address then forgotten (G1, O3)."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from shared_apps.accounts import mail
from shared_apps.departures.models import DepartureLetter, Erasure
from tenants import links
from tenants.models import Tenant

logger = logging.getLogger(__name__)

MOST_TRIES = 10
# A letter that waits for something to happen first.
NOT_YET = timedelta(days=3650)
PAGE = "/dashboard/export/"
Kind = DepartureLetter.Kind


def write(tenant: Tenant, kind: str, about: str, *, due_at: datetime | str | None = "now") -> None:
    """Leave a letter to the owner, once for each thing it is about; `due_at` None: not before somebody says so."""
    owner = tenant.owner
    if owner is None or not owner.email:
        return
    moment = timezone.now()
    when = moment if isinstance(due_at, str) else due_at or moment + NOT_YET
    DepartureLetter.objects.get_or_create(
        tenant=tenant,
        kind=kind,
        about=about,
        defaults={"to": owner.email, "language": owner.language or tenant.language, "due_at": when},
    )


def take_back(tenant: Tenant, kind: str) -> None:
    """Forget letters that were not sent yet."""
    DepartureLetter.objects.filter(tenant=tenant, kind=kind, sent_at=None).delete()


def send_due(now: datetime | None = None) -> int:
    """Send what is due; return how many. One that cannot be sent comes again, and keeps no other waiting."""
    sent = 0
    moment = now or timezone.now()
    due = DepartureLetter.objects.filter(sent_at=None, due_at__lte=moment, tries__lt=MOST_TRIES)
    for row in due.select_related("tenant").order_by("due_at")[:100]:
        # The claim is one UPDATE: of two sweeps one writes, and whoever dies has it come again after two minutes.
        pause = timedelta(minutes=2) * 2 ** min(row.tries, 8)
        claimed = DepartureLetter.objects.filter(pk=row.pk, sent_at=None, due_at=row.due_at)
        if not claimed.update(tries=F("tries") + 1, due_at=moment + pause):
            continue
        try:
            with translation.override(row.language or settings.LANGUAGE_CODE):
                mail.post(_letter(row), row.to)
        except Exception:
            logger.exception("departure_letter_failed", extra={"kind": row.kind})
            continue
        DepartureLetter.objects.filter(pk=row.pk).update(sent_at=timezone.now(), to="")
        sent += 1
    return sent


def _letter(row: DepartureLetter) -> mail.Letter:
    tenant = row.tenant
    facts: dict[str, Any] = {"site": tenant.name}
    if row.kind == Kind.READY:
        subject = _("The archive of %(site)s is ready") % facts
        text = _("Everything of %(site)s is in one archive. It lies ready for %(days)s days.") % {
            **facts, "days": settings.TENANT_EXPORT_DAYS,
        }  # fmt: skip
        action, url = _("Download"), links.url(tenant, PAGE)
    elif row.kind == Kind.ERASED:
        erasure = Erasure.objects.get(pk=row.about)
        subject = _("%(site)s is erased") % {"site": erasure.name}
        text = _("All data of %(site)s were removed. This link opens the certificate; keep it.") % {
            "site": erasure.name
        }
        action, url = _("Open the certificate"), links.platform_url(f"/erasures/{erasure.secret}/")
    else:
        until = date_format(datetime.fromisoformat(row.about), "j E Y, H:i")
        subject = _("%(site)s is closing") % facts
        if row.kind == Kind.SOON:
            subject = _("%(site)s will be erased soon") % facts
        text = _(
            "%(site)s no longer serves anybody. On %(until)s UTC everything of it is erased. Until then you can take"
            " an archive of all data along, or take the closing back."
        ) % {**facts, "until": until}
        action, url = _("Take it back or take the data along"), links.url(tenant, PAGE)
    return mail.Letter("departure", subject, {"text": text, "action": action, "action_url": url})
