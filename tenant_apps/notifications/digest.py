"""The daily summary for staff: the day before and the day that begins, each with what they may see and nothing else."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.accounts.models import User
from shared_apps.core.clock import day_bounds, local
from shared_apps.core.templatetags.money import written
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.events.models import Event
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import EMAIL, Recipient, Topic, register
from tenant_apps.notifications.wording import known_language
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.staff.actors import grants_model, rights_of
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tenants.context import current_tenant
from tenants.database import connection
from tenants.models import Tenant
from tenants.preferences import preference

# More lines than this are summed up.
MOST_LINES = 15

DIGEST = register(
    Topic(
        "staff.digest",
        gettext_lazy("The daily summary"),
        channels=(EMAIL,),
        placeholders=("day", "text"),
        title="{site}: {day}",
        body="{greeting}\n\n{text}",
        staff=True,
    )
)


@dataclass(frozen=True)
class Sold:
    """What was paid in a day for one event, in one currency. `event` None: goods."""

    event_id: int | None
    title: str
    currency: str
    pieces: int
    orders: int
    total_minor: int


def send(now: datetime | None = None) -> int:
    """Tell each of the staff about the day before, if the tenant's hour has come and it was not done yet; returns how
    many were written to. Two at once do it once.

    The day is claimed in the transaction that writes the letters. A day that was missed altogether is not made up for.
    """
    now = now or timezone.now()
    tenant = current_tenant()
    today = _day_that_is_due(tenant, now)
    if today is None:
        return 0
    with transaction.atomic():
        if not _claim(today, tenant):
            return 0
        return _tell_all(tenant, today)


def next_due(tenant: Tenant, now: datetime) -> datetime | None:
    """Return the next moment at which the summary goes out, from the tenant's row alone; None if it does not."""
    if not preference(tenant, "daily_digest"):
        return None
    here = local(now, tenant.timezone).date()
    hour = preference(tenant, "digest_hour")
    moments = (_moment(here + timedelta(days=days), hour, tenant.timezone) for days in (0, 1, 2))
    return next(moment for moment in moments if moment > now)


def _moment(day: date, hour: int, zone: str) -> datetime:
    """When the clock on the wall reaches the hour: after a jump over it at its end, of two the first."""
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def _day_that_is_due(tenant: Tenant, now: datetime) -> date | None:
    """The day that has begun and whose hour has come, in the tenant's zone."""
    if not preference(tenant, "daily_digest"):
        return None
    today = local(now, tenant.timezone).date()
    return today if now >= _moment(today, preference(tenant, "digest_hour"), tenant.timezone) else None


def _claim(today: date, tenant: Tenant) -> bool:
    begins, _ends = day_bounds(today, tenant.timezone)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_noted (name, at) VALUES ('digest', %s)"
            " ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at WHERE notifications_noted.at < EXCLUDED.at",
            [begins],
        )
        return bool(cursor.rowcount == 1)


def _tell_all(tenant: Tenant, today: date) -> int:
    yesterday = today - timedelta(days=1)
    sold = _sold_on(yesterday, tenant)
    coming = _events_of(today, tenant)
    low = list(ProductVariant.objects.low().filter(product__published=True).select_related("product").order_by("pk"))
    notices = []
    for user in _people():
        with translation.override(known_language(user.language, tenant.language)):
            text = _text_for(user, sold, coming, low)
            if not text:
                continue
            values = {"day": date_format(yesterday, "l, j E Y"), "text": text}
        recipient = Recipient(user.pk, user.email, "", user.display_name, user.language)
        notices.append(Notice(recipient, values, f"digest:{today.isoformat()}:{user.pk}", "/dashboard/"))
    return notify_many(DIGEST, notices)


def _people() -> Any:
    """Everybody who works here, by a role or by a grant."""
    ids = {*Membership.objects.values_list("user_id", flat=True)}
    ids |= {*grants_model()._default_manager.values_list("user_id", flat=True).distinct()}
    return User.objects.filter(pk__in=ids, is_active=True).order_by("pk")


def _sold_on(day: date, tenant: Tenant) -> list[Sold]:
    """What was paid on that day of the tenant's calendar and still stands."""
    begins, ends = day_bounds(day, tenant.timezone)
    rows = (
        OrderLine.objects.filter(
            status=OrderLine.Status.ACTIVE, order__status=Order.Status.PAID, order__paid_at__gte=begins,
            order__paid_at__lt=ends,
        )
        .values("event_id", title_=F("event__title"), currency=F("order__currency"))
        .annotate(pieces=Sum("quantity"), orders=Count("order_id", distinct=True), total=Sum("total_minor"))
        .order_by("-total", "event_id")
    )  # fmt: skip
    return [
        Sold(row["event_id"], row["title_"] or "", row["currency"], row["pieces"], row["orders"], row["total"])
        for row in rows
    ]


def _events_of(day: date, tenant: Tenant) -> list[Event]:
    begins, ends = day_bounds(day, tenant.timezone)
    shown = Q(status__in=(Event.Status.PUBLISHED, Event.Status.POSTPONED))
    found = Event.objects.filter(shown, starts_at__gte=begins, starts_at__lt=ends)
    return list(found.select_related("venue").defer("search", "letters").order_by("starts_at", "pk"))


def _text_for(user: User, sold: list[Sold], coming: list[Event], low: list[ProductVariant]) -> str:
    """What this person may see of it, in the language that is active; empty if that is nothing (I2)."""
    rights = rights_of(user)
    everywhere = rights.everywhere()
    parts = []
    if "view_reports" in everywhere:
        parts.append(_sales(sold))
    elif sold:
        mine = _ids(rights.events("view_reports"))
        parts.append(_sales([each for each in sold if each.event_id in mine]))
    if coming and not everywhere & EVENT_PERMISSIONS.keys():
        mine = _ids(rights.events())
        coming = [event for event in coming if event.pk in mine]
    parts.append(_coming(coming))
    if "change_catalog" in everywhere:
        parts.append(_low(low))
    return "\n\n".join(part for part in parts if part)


def _ids(events: Any) -> set[int]:
    """The ids of granted events, as `Rights.events` gives them."""
    return {row["content_object_id"] for row in events}


def _sales(sold: list[Sold]) -> str:
    if not sold:
        return ""
    sums: dict[str, int] = defaultdict(int)
    for each in sold:
        sums[each.currency] += each.total_minor
    total = ", ".join(written(amount, currency) for currency, amount in sorted(sums.items()))
    lines = [_("Paid yesterday: {total}").format(total=total)]
    for each in sold[:MOST_LINES]:
        pieces = (
            ngettext("{count} ticket", "{count} tickets", each.pieces)
            if each.event_id
            else ngettext("{count} piece", "{count} pieces", each.pieces)
        ).format(count=each.pieces)
        title = each.title or _("Goods")
        lines.append(f"- {title}: {pieces}, {written(each.total_minor, each.currency)}")
    if len(sold) > MOST_LINES:
        lines.append(_("- and {count} more").format(count=len(sold) - MOST_LINES))
    return "\n".join(lines)


def _coming(events: list[Event]) -> str:
    if not events:
        return ""
    lines = [_("Today:")]
    for event in events[:MOST_LINES]:
        lines.append(f"- {date_format(local(event.starts_at, event.timezone), 'H:i')} {event.title}")
    if len(events) > MOST_LINES:
        lines.append(_("- and {count} more").format(count=len(events) - MOST_LINES))
    return "\n".join(lines)


def _low(variants: list[ProductVariant]) -> str:
    if not variants:
        return ""
    lines = [_("Nearly sold out:")]
    for each in variants[:MOST_LINES]:
        title = f"{each.product.name} ({each.name})" if each.name else each.product.name
        lines.append(_("- {title}: {left} left").format(title=title, left=each.free))
    return "\n".join(lines)
