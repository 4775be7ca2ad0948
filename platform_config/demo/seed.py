"""Makes the demo through the product's own doors: provisioning, import, checkout, payments, scans.

The files in `demo/` hold the dates of one reference week; everything is moved by whole weeks so that this week
is the present one, which keeps weekdays and leaves events on both sides of today. Each tenant is filled in one
transaction, so it is complete or not there, and a second run finds it and changes nothing.
"""

import csv
import io
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from platform_config.demo.history import History
from platform_config.demo.people import PASSWORD, PEOPLE
from platform_config.demo.sales import Seller
from shared_apps.accounts.models import User
from tenant_apps.activity import hints
from tenant_apps.catalog.delivery import create_method
from tenant_apps.events.services import finish_over
from tenant_apps.imports import services as imports
from tenant_apps.imports.models import ImportJob
from tenant_apps.orders import footprints
from tenant_apps.staff.models import Membership
from tenant_apps.staff.services import add_member, preset_role
from tenants.context import in_public, in_tenant
from tenants.models import Tenant
from tenants.provisioning import finish_opening, open_tenant

FOLDER = Path(settings.BASE_DIR) / "demo"
# The Monday of the week that the files are written around.
REFERENCE_MONDAY = date(2026, 1, 5)
TIMES = ("starts_at", "ends_at")
# How the demo's shop sends its goods, in kopecks and grams.
DELIVERY: tuple[dict[str, Any], ...] = (
    {"name": "Самовывоз в Саратове", "kind": "pickup", "description": "Набережная, 12, каждый день с 10 до 20"},
    {
        "name": "Курьер по городу",
        "kind": "courier",
        "price_minor": 35000,
        "free_from_minor": 500000,
        "most_grams": 20000,
        "rates": [{"from_grams": 10000, "price_minor": 60000}],
    },
    {"name": "Почта России", "kind": "post", "price_minor": 45000, "most_grams": 30000},
)


class NotInProduction(RuntimeError):
    """The demo's passwords are public (P4)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One tenant of the demo; its events are in `demo/<slug>.csv`."""

    slug: str
    name: str
    kind: str
    currency: str
    timezone: str
    language: str
    colour: str
    tagline: str


PLANS = (
    Plan("aurora", "Aurora Concert Hall", "organizer", "EUR", "Europe/Vienna", "en", "#7c3aed",
         "Music you can hear breathing, since 1908."),
    Plan("kinoteatr", "Кинотеатр «Заря»", "organizer", "RUB", "Europe/Moscow", "ru", "#b91c1c",
         "Кино, театр и разговоры на Покровке."),
    Plan("volga", "Волга. Фермерские продукты", "retail", "RUB", "Europe/Moscow", "ru", "#0f766e",
         "Вкусное с обоих берегов: дегустации, мастерские, предзаказы."),
)  # fmt: skip


def is_seeded() -> bool:
    """True if every tenant of the demo is open and filled."""
    with in_public():
        tenants = {tenant.slug: tenant for tenant in Tenant.objects.filter(slug__in=[plan.slug for plan in PLANS])}
    return len(tenants) == len(PLANS) and all(
        tenant.status == Tenant.Status.OPEN and _is_filled(tenant) for tenant in tenants.values()
    )


def seed(now: datetime | None = None) -> str:
    """Make what is missing of the demo and say what there is. Raises NotInProduction."""
    if not settings.DEVELOPMENT:
        raise NotInProduction("The demo's people have a password that everybody knows; this is no development server.")
    now = now or timezone.now()
    with in_public():
        people = _make_people(now)
        tenants = [_open(plan, people) for plan in PLANS]
    sold = 0
    for tenant in tenants:
        with in_tenant(tenant):
            if not _is_filled(tenant):
                sold += _fill(tenant, people, now)
            # No message about what was bought weeks ago goes out, so nothing else tells the buyers' own lists of it.
            for _difference in footprints.differences(mend=True):
                pass
    return f"{len(tenants)} tenants, {len(people)} people, {sold} orders" if sold else "nothing to do"


def _make_people(now: datetime) -> dict[str, User]:
    """Make whoever is missing. One hash serves all: it is one password, and hashing is slow on purpose."""
    known = {user.email: user for user in User.objects.filter(email__in=[person.email for person in PEOPLE])}
    missing = [person for person in PEOPLE if person.email not in known]
    password = make_password(PASSWORD) if missing else ""
    for person in missing:
        known[person.email] = User.objects.create(
            email=person.email,
            name=person.name,
            language=person.language,
            password=password,
            email_verified_at=now,
            is_staff=person.operator,
            is_superuser=person.operator,
        )
    return known


def _open(plan: Plan, people: dict[str, User]) -> Tenant:
    tenant = Tenant.objects.filter(slug=plan.slug).first()
    if tenant is not None:
        return finish_opening(tenant)
    owner = people[f"owner@{plan.slug}.test"]
    return open_tenant(
        name=plan.name,
        slug=plan.slug,
        kind=plan.kind,
        owner=owner,
        currency=plan.currency,
        timezone=plan.timezone,
        language=plan.language,
        colour=plan.colour,
        tagline=plan.tagline,
        # Nobody has to be told what comes next in a place that is full already.
        preferences={"onboarding_checklist": False, "onboarding_mails": False},
    )


def _is_filled(tenant: Tenant) -> bool:
    with in_tenant(tenant):
        return ImportJob.objects.filter(file_name=f"{tenant.slug}.csv", status=ImportJob.Status.APPLIED).exists()


def _fill(tenant: Tenant, people: dict[str, User], now: datetime) -> int:
    """Staff, events, sales and scans of one tenant, all or nothing; returns how many orders were made."""
    owner = people[f"owner@{tenant.slug}.test"]
    with transaction.atomic(), hints.one_for_all():
        _add_staff(tenant, people)
        job = imports.run_now(
            resource="events", file_name=f"{tenant.slug}.csv", content=shifted(tenant, now), actor=owner
        )
        if job.status != ImportJob.Status.APPLIED:
            raise ValueError(f"demo/{tenant.slug}.csv: {job.errors[:3]}")
        _bring_goods_in(tenant, owner)
        history = History(now)
        # The same tenant is the same demo each time, but for the codes, which nobody may guess (T1).
        seller = Seller(tenant, people, history, random.Random(tenant.slug), now)  # noqa: S311  (the same demo each time, nothing secret)
        seller.sell_everything()
        history.write()
        finish_over(now)
        history.let_rest(seller.announced)
    return len(history)


def _bring_goods_in(tenant: Tenant, owner: User) -> None:
    """The goods of a shop, from a price list as a partner would send it."""
    path = FOLDER / f"{tenant.slug}-goods.yaml"
    if not path.exists():
        return
    job = imports.run_now(resource="products", file_name=path.name, content=path.read_bytes(), actor=owner)
    if job.status != ImportJob.Status.APPLIED:
        raise ValueError(f"demo/{path.name}: {job.errors[:3]}")
    for position, method in enumerate(DELIVERY):
        create_method(actor=owner, position=position, **method)


def _add_staff(tenant: Tenant, people: dict[str, User]) -> None:
    there = set(Membership.objects.values_list("user_id", flat=True))
    for person in PEOPLE:
        for slug, role in person.roles:
            if slug == tenant.slug and people[person.email].pk not in there:
                add_member(people[person.email], preset_role(role), actor=None)


def shifted(tenant: Tenant, now: datetime | None = None) -> bytes:
    """Return the tenant's demo file with all times moved by whole weeks into the present."""
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(tenant.timezone)).date()
    by = timedelta(weeks=(today - REFERENCE_MONDAY).days // 7)
    with (FOLDER / f"{tenant.slug}.csv").open(encoding="utf-8", newline="") as source:
        reader = csv.DictReader(source)
        target = io.StringIO(newline="")
        writer = csv.DictWriter(target, reader.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        for row in reader:
            writer.writerow({name: _moved(value, by) if name in TIMES else value for name, value in row.items()})
    return target.getvalue().encode()


def _moved(value: Any, by: timedelta) -> str:
    return (datetime.fromisoformat(value) + by).isoformat(timespec="minutes") if value else ""
