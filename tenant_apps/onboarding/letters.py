"""A few letters to whoever opened a tenant, by the clock: what comes next, as long as it has not come yet.

Each is planned as a row when the tenant opens, and the row goes in the transaction that writes the letter, so each is
written once. A tenant that was there before there were letters gets none. They end with the tenant's own setting, with
the reader's wish, or with the link in each of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from tenant_apps.notifications.models import Noted
from tenant_apps.notifications.sending import notify
from tenant_apps.notifications.topics import EMAIL, Recipient, Topic, register
from tenant_apps.notifications.wording import known_language
from tenant_apps.onboarding.checklist import MAILS, Checklist, checklist
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import preference

PREFIX = "onboarding:"
TOPIC = register(
    Topic(
        "staff.first_steps", _("Staff: first steps with a new site"), (EMAIL,), staff=True,
        placeholders=("subject", "text"),
        samples={"subject": _("Your site is open"), "text": _("Make your first event, and publish it.")},
        title="{subject}",
        body="{greeting}\n\n{text}",
        editable=False,
    )
)  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """One letter: how long after the opening, what it says, where it leads, and whether it still fits."""

    name: str
    after: timedelta
    subject: Any
    text: Any
    page: str
    fits: Callable[[Checklist], bool]


def _sells_nothing_yet(state: Checklist) -> bool:
    return not (state.is_done("event") and state.is_done("goods") and state.is_done("publish"))


def _cannot_be_paid(state: Checklist) -> bool:
    return not state.is_done("payments")


def _sold_nothing_yet(state: Checklist) -> bool:
    return not state.is_done("sale")


LETTERS = (
    Letter(
        "welcome", timedelta(), _("{site} is open"),
        _("Your storefront is at {storefront}. Your dashboard says what comes next, step by step."),
        "dashboard", lambda state: True,
    ),
    Letter(
        "start", timedelta(days=1), _("What will {site} sell first?"),
        _("Say what it is, when and for how much, and publish it: that takes five minutes. Then people can buy it."),
        "dashboard-first-steps", _sells_nothing_yet,
    ),
    Letter(
        "payments", timedelta(days=3), _("How buyers pay you"),
        _("Connect a payment provider, or name a bank account for transfers. Free tickets need neither."),
        "dashboard-payment-accounts", _cannot_be_paid,
    ),
    Letter(
        "share", timedelta(days=7), _("Tell people about {site}"),
        _("Nothing is sold yet. Share the address of your storefront where your audience is: {storefront}"),
        "dashboard-first-steps", _sold_nothing_yet,
    ),
)  # fmt: skip


def plan(tenant: Tenant) -> None:
    """Note when each letter is due. Twice notes it once."""
    rows = [Noted(name=PREFIX + letter.name, at=tenant.created_at + letter.after) for letter in LETTERS]
    Noted.objects.bulk_create(rows, ignore_conflicts=True)


def planned() -> Any:
    """The letters that are still to come, as rows with the time that each is due."""
    return Noted.objects.filter(name__startswith=PREFIX)


@transaction.atomic
def write(now: datetime | None = None) -> str:
    """Write the letter that is due, if one is and still fits; returns which. Two at once write one.

    Of several that waited because everything stood still, only the last is written: people get one letter at a time.
    """
    now = now or timezone.now()
    rows = list(planned().filter(at__lte=now).select_for_update(skip_locked=True).order_by("at"))
    names = {row.name.removeprefix(PREFIX) for row in rows}
    Noted.objects.filter(pk__in=[row.pk for row in rows]).delete()
    tenant = current_tenant()
    owner = User.objects.filter(pk=tenant.owner_id or 0, is_active=True).first()
    if not names or owner is None or not preference(tenant, MAILS):
        return ""
    state = checklist()
    fitting = [letter for letter in LETTERS if letter.name in names and letter.fits(state)]
    if not fitting:
        return ""
    letter = fitting[-1]
    facts = {"site": tenant.name, "storefront": links.url(tenant)}
    with translation.override(known_language(owner.language, tenant.language)):
        values = {name: str(getattr(letter, name)).format(**facts) for name in ("subject", "text")}
    to = Recipient(owner.pk, owner.email, "", owner.display_name, owner.language)
    notify(TOPIC, to, values, key=f"first-steps:{letter.name}:{owner.pk}", url=_url(letter.page))
    return letter.name


def _url(page: str) -> str:
    return "/dashboard/" if page == "dashboard" else reverse(page)
