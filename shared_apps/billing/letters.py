"""Mails to a tenant's owner about its subscription: a row for each occasion, sent outside of transactions (G1)."""

import logging
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import formats, timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from shared_apps.accounts.mail import PLATFORM_COLOUR, PLATFORM_NAME
from shared_apps.billing import plans, standing
from shared_apps.billing.gateway import Sold
from shared_apps.billing.models import BillingLetter, Plan, Subscription
from shared_apps.billing.standing import Picture, Status
from shared_apps.core.colour import text_on
from shared_apps.core.money import to_text
from tenants import links
from tenants.context import in_public

logger = logging.getLogger(__name__)

PAGE = "/dashboard/billing/"
Kind = BillingLetter.Kind
# Nobody is told of what happened so long ago.
STALE = timedelta(days=3)


def write(row: Subscription, found: Picture, *, owed_before: datetime | None, now: datetime) -> None:
    """Write the letters that the present standing calls for. An occasion that was written about is not again."""
    made = [
        BillingLetter(tenant_id=row.tenant_id, kind=kind, about=about[:120], facts=facts)
        for kind, about, facts in _called_for(row, found, owed_before, now)
    ]
    if made:
        BillingLetter.objects.bulk_create(made, ignore_conflicts=True)


def returned(row: Subscription, sold: Sold, *, returned: bool) -> None:
    """Tell the owner that a second subscription was ended, and its money given back."""
    made = BillingLetter(tenant_id=row.tenant_id, kind=Kind.RETURNED, about=sold.id[:120], facts={"returned": returned})
    BillingLetter.objects.bulk_create([made], ignore_conflicts=True)


def _called_for(
    row: Subscription, found: Picture, owed_before: datetime | None, now: datetime
) -> list[tuple[str, str, dict[str, Any]]]:
    letters: list[tuple[str, str, dict[str, Any]]] = []
    plan = {"plan": row.plan.slug if row.plan else ""}
    running = found.running
    if running is not None and row.plan is not None and row.status in (Status.TRIALING, Status.ACTIVE):
        ends = row.trial_ends_at or row.current_period_end
        letters.append((Kind.STARTED, running.id, {**plan, "until": _iso(ends), "trial": bool(row.trial_ends_at)}))
        if row.trial_ends_at is not None and now >= row.trial_ends_at - standing.WARNED_BEFORE["trial"]:
            letters.append(
                (Kind.TRIAL_ENDS, f"{running.id}:{_iso(row.trial_ends_at)}", {**plan, "until": _iso(row.trial_ends_at)})
            )
    if found.owed:
        letters += _about_missing(row, found, now)
    elif owed_before is not None and not found.unpaid:
        # Who cancels with a debt owes it still, though nothing more follows from it: that is no thanks for paying.
        letters.append((Kind.PAID, _iso(owed_before), plan))
    if running is None and found.last is not None and (found.last.cancelled_at or now) > now - STALE:
        letters.append((Kind.CANCELLED, found.last.id, {}))
    return letters


def _about_missing(row: Subscription, found: Picture, now: datetime) -> list[tuple[str, str, dict[str, Any]]]:
    """One letter for the present step and, shortly before it, one for the next."""
    bill = found.owed[0]
    facts = {
        "invoice": bill.number, "amount_minor": sum(each.left_minor for each in found.owed), "currency": bill.currency,
        "grace_until": _iso(row.grace_until), "suspended_from": _iso(row.suspended_from),
    }  # fmt: skip
    warned = standing.WARNED_BEFORE
    kinds: list[str] = []
    if row.status == Status.PAST_DUE:
        kinds.append(Kind.FAILED)
        if row.grace_until is not None and now >= row.grace_until - warned["grace"]:
            kinds.append(Kind.GRACE_ENDS)
    elif row.status == Status.RESTRICTED:
        kinds.append(Kind.RESTRICTED)
        if row.suspended_from is not None and now >= row.suspended_from - warned["suspension"]:
            kinds.append(Kind.SUSPENDED_SOON)
    else:
        kinds.append(Kind.SUSPENDED)
    return [(kind, bill.id, facts) for kind in kinds]


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


# --- Sending ---------------------------------------------------------------------------------------------------------


def send_waiting(most: int = 100) -> int:
    """Send what waits; returns how many left. Two at once share them out, and what fails is tried again."""
    sent = 0
    with in_public():
        for letter_id in BillingLetter.objects.unsent().order_by("pk").values_list("pk", flat=True)[:most]:
            try:
                sent += _send(letter_id)
            except Exception as error:  # whatever a mail server raises: the others must not wait for this one
                logger.warning("billing_letter_not_sent", extra={"row": letter_id, "reason": type(error).__name__})
    return sent


def _send(letter_id: int) -> bool:
    """Send one letter; the claim is one UPDATE, and no transaction is open while the server answers (O3)."""
    claimed = BillingLetter.objects.unsent().filter(pk=letter_id)
    if not claimed.update(claimed_at=timezone.now(), tries=F("tries") + 1):
        return False
    letter = BillingLetter.objects.select_related("tenant", "tenant__owner").get(pk=letter_id)
    owner = letter.tenant.owner
    if owner is not None and owner.is_active:
        language = owner.language or letter.tenant.language or settings.LANGUAGE_CODE
        with translation.override(language):
            _mail(letter, owner).send()
    BillingLetter.objects.filter(pk=letter_id).update(sent_at=timezone.now())
    return owner is not None


def _mail(letter: BillingLetter, owner: Any) -> EmailMultiAlternatives:
    subject, paragraphs, action = _words(letter)
    site = {"name": PLATFORM_NAME, "colour": PLATFORM_COLOUR}
    context = {
        "tenant": site, "on_colour": text_on(PLATFORM_COLOUR), "home_url": links.platform_url("/"),
        "language": translation.get_language(), "subject": subject, "name": owner.name, "parts": paragraphs,
        "organizer": letter.tenant.name, "action": action, "action_url": links.url(letter.tenant, PAGE),
    }  # fmt: skip
    mail = EmailMultiAlternatives(
        subject=" ".join(subject.split())[:150],
        body=render_to_string("email/billing/letter.txt", context).strip() + "\n",
        from_email=formataddr((PLATFORM_NAME, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[owner.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string("email/billing/letter.html", context), "text/html")
    return mail


def _words(letter: BillingLetter) -> tuple[str, list[str], str]:
    """Subject, paragraphs and the words of the button."""
    facts = letter.facts
    about = {
        "site": letter.tenant.name,
        "plan": _plan_name(facts.get("plan", "")),
        "day": _day(facts.get("until", "")),
        "grace": _day(facts.get("grace_until", "")),
        "stop": _day(facts.get("suspended_from", "")),
        "invoice": facts.get("invoice", ""),
        "amount": _money(facts),
    }
    pay, look = _("Pay now"), _("Look at your plan")
    works = _("Until %(grace)s everything works as before.") % about
    words: dict[str, tuple[str, list[str], str]] = {
        Kind.STARTED: (
            _("%(site)s has the plan %(plan)s") % about,
            [
                _("The trial lasts until %(day)s. Your card is charged then, unless you cancel before.") % about
                if facts.get("trial")
                else _("It is paid until %(day)s and goes on by itself, unless you cancel.") % about
            ],
            look,
        ),
        Kind.TRIAL_ENDS: (
            _("The trial of %(site)s ends on %(day)s") % about,
            [_("Your card is charged for the plan %(plan)s then. If you do not want that, cancel before.") % about],
            look,
        ),
        Kind.FAILED: (
            _("A payment for %(site)s failed") % about,
            [
                _("Invoice %(invoice)s over %(amount)s could not be charged.") % about,
                works,
                _("If it is not paid then, you cannot add events or people. Sales and scans go on."),
            ],
            pay,
        ),
        Kind.GRACE_ENDS: (
            _("%(site)s will be restricted on %(grace)s") % about,
            [
                _("Invoice %(invoice)s over %(amount)s is still not paid.") % about,
                _("From %(grace)s you cannot add events or people. Sales and scans go on.") % about,
            ],
            pay,
        ),
        Kind.RESTRICTED: (
            _("%(site)s is restricted") % about,
            [
                _("Invoice %(invoice)s over %(amount)s is still not paid.") % about,
                _("You cannot add events or people now. Sales and scans go on until %(stop)s.") % about,
            ],
            pay,
        ),
        Kind.SUSPENDED_SOON: (
            _("%(site)s will be suspended on %(stop)s") % about,
            [
                _("Invoice %(invoice)s over %(amount)s is still not paid.") % about,
                _("From %(stop)s nobody can buy from you and no ticket is scanned.") % about,
            ],
            pay,
        ),
        Kind.SUSPENDED: (
            _("%(site)s is suspended") % about,
            [
                _("Invoice %(invoice)s over %(amount)s was not paid.") % about,
                _("Nothing is lost. As soon as it is paid, everything works again."),
            ],
            pay,
        ),
        Kind.PAID: (
            _("Thank you: %(site)s is paid") % about,
            [_("Everything works as before.")],
            look,
        ),
        Kind.CANCELLED: (
            _("The plan of %(site)s has ended") % about,
            [_("You have the free plan now. Nothing was deleted, and you can come back at any time.")],
            look,
        ),
        Kind.RETURNED: (
            _("The plan of %(site)s was bought twice") % about,
            [
                _("Two people bought it at once. The second one was ended and its money is on the way back.")
                if facts.get("returned")
                else _("Two people bought it at once. The second one was ended; nothing was charged for it.")
            ],
            look,
        ),
    }
    return words[letter.kind]


def _plan_name(slug: str) -> str:
    plan = Plan.objects.filter(slug=slug).first() if slug else None
    return plans.shown_name(plan) if plan else slug


def _day(moment: str) -> str:
    at = parse_datetime(moment) if moment else None
    return formats.date_format(at, "DATE_FORMAT") if at else ""


def _money(facts: dict[str, Any]) -> str:
    if "amount_minor" not in facts:
        return ""
    return f"{to_text(facts['amount_minor'], facts['currency'])}\N{NO-BREAK SPACE}{facts['currency']}"
