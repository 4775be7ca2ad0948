"""Examples for a tenant that has nothing yet: made through the same doors as real things, known by their external ids,
and removed with one call. What somebody ordered meanwhile stays: an order's event is not taken from under it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.clock import local
from shared_apps.core.errors import Conflict
from shared_apps.core.money import exponent
from tenant_apps.activity.services import gone, made, record
from tenant_apps.catalog import categories
from tenant_apps.catalog import services as catalog
from tenant_apps.catalog.models import Product, ProductCategory
from tenant_apps.events import services as events
from tenant_apps.events import taxonomy
from tenant_apps.events.models import Category, Event, Venue
from tenant_apps.ticketing import services as ticketing
from tenants.context import current_tenant
from tenants.models import Tenant

# In the preferences of a tenant's row: begin with examples.
WANTED = "sample_content"
PREFIX = "foyer-sample-"
# What a ticket of about 25 euros costs elsewhere, in major units: round numbers, no rates.
USUAL_PRICE = {
    "RUB": 1500, "KZT": 9000, "AMD": 9000, "JPY": 3500, "KRW": 30000, "HUF": 9000, "CZK": 600, "PLN": 100,
    "UAH": 900, "TRY": 900, "SEK": 250, "NOK": 250, "DKK": 190, "INR": 900, "ISK": 3500, "VND": 500000, "IDR": 300000,
    "CLP": 20000, "GEL": 70, "RSD": 3000, "BYN": 80, "UZS": 250000, "KGS": 1800, "CNY": 180, "HKD": 200, "MXN": 450,
}  # fmt: skip
EURO_PRICE = 25


class SampleThere(Conflict):
    code = "sample_content_there"
    message = gettext_lazy("The examples are there already.")


@dataclass(frozen=True)
class Left:
    """What was removed, and what stays because somebody ordered it: titles."""

    removed: list[str]
    kept: list[str]


def present() -> list[str]:
    """Return the titles of the examples that are there."""
    titles = list(_events().values_list("title", flat=True))
    return titles + list(_products().values_list("name", flat=True))


def is_there() -> bool:
    return bool(_events().exists() or _products().exists())


def add(*, actor: Any, now: datetime | None = None) -> list[str]:
    """Make the examples that suit the present tenant, in its language, zone and currency; all or nothing.

    Raises SampleThere. Returns their titles.
    """
    try:
        with transaction.atomic():
            return _add(actor, now or timezone.now())
    except IntegrityError as error:
        if "external_id" not in str(error):
            raise
        raise SampleThere from None  # somebody pressed the button in the same moment


def _add(actor: Any, now: datetime) -> list[str]:
    tenant = current_tenant()
    if is_there():
        raise SampleThere
    with translation.override(tenant.language):
        if tenant.kind == Tenant.Kind.RETAIL:
            _add_goods(actor)
        else:
            _add_events(actor, now)
    titles = present()
    record("sample_content.added", tenant, actor=actor, details=made(titles=titles), deliver=False)
    return titles


@transaction.atomic
def remove(*, actor: Any) -> Left:
    """Remove what nobody ordered. Called again it removes what has come free since; without examples nothing."""
    removed: list[str] = []
    kept: list[str] = []

    def go(title: str, delete: Callable[[], None]) -> None:
        try:
            with transaction.atomic():
                delete()
        except Conflict:  # EventHasOrders, ProductHasOrders
            kept.append(title)
        else:
            removed.append(title)

    for event in _events():
        go(event.title, lambda event=event: events.delete_event(event, actor=actor))  # type: ignore[misc]  # bound now
    for product in _products():
        go(product.name, lambda product=product: catalog.delete_product(product, actor=actor))  # type: ignore[misc]  # bound now
    if not kept:
        _remove_places(actor)
    if removed:
        details = {"kept": kept, **gone(titles=removed)}
        record("sample_content.removed", current_tenant(), actor=actor, details=details, deliver=False)
    return Left(removed, kept)


# --- Inside ------------------------------------------------------------------------------------------------------


def _events() -> Any:
    return Event.objects.filter(external_id__startswith=PREFIX).order_by("pk")


def _products() -> Any:
    return Product.objects.filter(external_id__startswith=PREFIX).order_by("pk")


def _remove_places(actor: Any) -> None:
    """The examples' hall and kinds, unless something else is there by now."""
    names = {each for language in ("en", "ru") for each in _names(language)}
    for model in (Venue, Category):
        for row in model.objects.filter(name__in=names, events__isnull=True):
            taxonomy.delete(row, actor=actor)
    for kind in ProductCategory.objects.filter(
        external_id__startswith=PREFIX, products__isnull=True, children__isnull=True
    ):
        categories.delete_category(kind, actor=actor)


def _names(language: str) -> tuple[str, str]:
    with translation.override(language):
        return _("Great hall (example)"), _("Examples")


def _price(share: float = 1) -> int:
    """A round price in minor units of the tenant's currency."""
    currency = current_tenant().currency
    return int(USUAL_PRICE.get(currency, EURO_PRICE) * share) * 10 ** exponent(currency)


def _at(days: int, hour: int, now: datetime) -> str:
    """That hour of a day to come, on the tenant's wall clock; at noon where the clock jumps over it."""
    zone = current_tenant().timezone
    day = local(now, zone).date() + timedelta(days=days)
    first, second = (datetime.combine(day, time(hour), ZoneInfo(zone)).replace(fold=fold) for fold in (0, 1))
    plain = first.utcoffset() == second.utcoffset()
    return f"{day:%Y-%m-%d}T{hour if plain else 12:02}:00"


def _add_events(actor: Any, now: datetime) -> None:
    hall, kind = _names(current_tenant().language)
    category = taxonomy.make(Category, actor=actor, name=kind)
    about = _("This is an example. Look at it, change it, sell yourself a ticket; then remove it from the dashboard.")
    same = {"actor": actor, "category": category, "venue": {"name": hall}, "description": f"<p>{about}</p>"}
    concert = events.create_event(
        title=_("An evening with strings (example)"),
        summary=_("Quartets by Haydn and Borodin, and a glass of wine in the break."),
        starts_at=_at(21, 20, now), ends_at=_at(21, 22, now), external_id=f"{PREFIX}concert", **same,
    )  # fmt: skip
    full = ticketing.create_ticket_type(concert, actor=actor, name=_("Standard"), price_minor=_price())
    reduced = ticketing.create_ticket_type(concert, actor=actor, name=_("Reduced"), price_minor=_price(0.6))
    ticketing.create_quota(concert, _("Great hall (example)"), 120, [full, reduced], actor=actor)
    workshop = events.create_event(
        title=_("Open rehearsal (example)"),
        summary=_("Come and listen. Free, but places are few."),
        starts_at=_at(14, 18, now), ends_at=_at(14, 19, now), external_id=f"{PREFIX}rehearsal", **same,
    )  # fmt: skip
    free = ticketing.create_ticket_type(workshop, actor=actor, name=_("Free place"), price_minor=0)
    ticketing.create_quota(workshop, _("Free place"), 30, [free], actor=actor)
    for event in (concert, workshop):
        events.publish(event, actor=actor)


def _add_goods(actor: Any) -> None:
    category = categories.create_category(actor=actor, name=_("Examples"), external_id=f"{PREFIX}goods")
    about = _("This is an example. Look at it, change it, order one yourself; then remove it from the dashboard.")
    same = {"actor": actor, "category": category, "description": f"<p>{about}</p>"}
    catalog.create_product(
        name=_("Linen bag (example)"), price_minor=_price(0.4), external_id=f"{PREFIX}bag",
        variants=[{"name": _("natural"), "capacity": 40}, {"name": _("black"), "capacity": 25}], **same,
    )  # fmt: skip
    catalog.create_product(
        name=_("Jar of honey (example)"), price_minor=_price(0.48), external_id=f"{PREFIX}honey",
        variants=[{"capacity": 60}], **same,
    )  # fmt: skip
