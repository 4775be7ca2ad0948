"""The questions that are asked about what is on sale, about tickets, and about who came in."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone


class TicketTypeQuerySet(models.QuerySet[Any]):
    """Named questions about ticket types; they compose."""

    def visible(self) -> "TicketTypeQuerySet":
        """What the storefront shows."""
        return self.filter(hidden=False)

    def visible_to(self, unlocked: Collection[int] = ()) -> "TicketTypeQuerySet":
        """What somebody sees whose vouchers open the hidden types with these ids."""
        return self.filter(Q(hidden=False) | Q(pk__in=unlocked)) if unlocked else self.visible()

    def with_tiers(self) -> "TicketTypeQuerySet":
        """Each with `tier_rows`, what `prices.tiers_of` reads: its price tiers in order. No further statement."""
        from tenant_apps.ticketing.models import TicketPriceTier

        rows = (
            TicketPriceTier.objects.filter(ticket_type_id=OuterRef("pk"))
            .order_by("position", "pk")
            .values(
                row=JSONObject(
                    id="pk",
                    name="name",
                    price_minor="price_minor",
                    until="until",
                    quota="quota__pk",
                    capacity="quota__capacity",
                    held="quota__held",
                    sold="quota__sold",
                )
            )
        )
        return self.annotate(tier_rows=ArraySubquery(rows))

    def with_quota_ids(self) -> "TicketTypeQuerySet":
        """Each with `quota_ids`, the quotas that it draws from, by id. No further statement."""
        from tenant_apps.ticketing.models import QuotaTicketType

        drawn = QuotaTicketType.objects.filter(ticket_type_id=OuterRef("pk")).order_by("quota_id").values("quota_id")
        return self.annotate(quota_ids=ArraySubquery(drawn))

    def with_room(self) -> "TicketTypeQuerySet":
        """Each with `room`, of the scarcest quota that it draws from: the places that are `unsold`, and those of them
        that nobody holds, `free`; each None without a limit. No further statement."""
        from tenant_apps.ticketing.models import QuotaTicketType

        sold, held = F("quota__sold"), F("quota__held")
        least = (
            QuotaTicketType.objects.filter(ticket_type_id=OuterRef("pk"))
            .values("ticket_type_id")
            .annotate(unsold=Min(F("quota__capacity") - sold), free=Min(F("quota__capacity") - sold - held))
            .values(row=JSONObject(unsold="unsold", free="free"))
        )
        return self.annotate(room=Subquery(least))

    def with_price_now(self, now: datetime | None = None) -> "TicketTypeQuerySet":
        """Each with `price_now_minor`: the price of the tier in force, else its own. For filters and lists; what is
        charged, `prices.portions` decides by the same rule."""
        from tenant_apps.ticketing.models import TicketPriceTier

        tier = (
            TicketPriceTier.objects.filter(
                Q(until__isnull=True) | Q(until__gt=now or timezone.now()),
                Q(quota__capacity__isnull=True) | Q(quota__capacity__gt=F("quota__held") + F("quota__sold")),
                ticket_type_id=OuterRef("pk"),
            )
            .order_by("position", "pk")
            .values("price_minor")[:1]
        )
        return self.annotate(price_now_minor=Coalesce(Subquery(tier), F("price_minor")))

    def in_sale_window(self, now: datetime | None = None) -> "TicketTypeQuerySet":
        """Whose sale window, [start, end), has begun and not ended (O10)."""
        now = now or timezone.now()
        return self.filter(
            Q(sale_starts_at__isnull=True) | Q(sale_starts_at__lte=now),
            Q(sale_ends_at__isnull=True) | Q(sale_ends_at__gt=now),
        )

    def with_places(self) -> "TicketTypeQuerySet":
        """Each with `places`: how many can still be had, by the scarcest of its quotas; None means unlimited."""
        from tenant_apps.ticketing.models import QuotaTicketType

        free = F("quota__capacity") - F("quota__held") - F("quota__sold")
        scarcest = (
            QuotaTicketType.objects.filter(ticket_type_id=OuterRef("pk"), quota__capacity__isnull=False)
            .order_by()
            .values("ticket_type_id")
            .annotate(free=Min(free))
            .values("free")
        )
        return self.annotate(places=Subquery(scarcest, output_field=models.IntegerField()))

    def buyable(self, now: datetime | None = None) -> "TicketTypeQuerySet":
        """Visible, in its sale window, and with room for the smallest order of it."""
        return (
            self.visible()
            .in_sale_window(now)
            .with_places()
            .filter(Q(places__isnull=True) | Q(places__gte=F("min_per_order")))
        )


def with_ticket_types(events: Any, *, hidden: bool = False, unlocked: Collection[int] = ()) -> Any:
    """Return the events, each to be loaded with its ticket types and their places; one statement for all of them.

    Hidden types are left out but those `unlocked` by a voucher, or none with `hidden`.
    """
    from tenant_apps.ticketing.models import TicketType

    types = TicketType.objects.with_places().with_tiers()
    return events.prefetch_related(Prefetch("ticket_types", types if hidden else types.visible_to(unlocked)))


def with_prices(events: Any, now: datetime | None = None) -> Any:
    """Return the events annotated with `price_from_minor` and `price_to_minor` of the visible ticket types, each at
    the price of the tier that is in force."""
    from tenant_apps.ticketing.models import TicketType

    types = TicketType.objects.visible().with_price_now(now).filter(event=OuterRef("pk")).order_by().values("event")
    return events.annotate(
        price_from_minor=Subquery(types.annotate(price=Min("price_now_minor")).values("price")),
        price_to_minor=Subquery(types.annotate(price=Max("price_now_minor")).values("price")),
    )


def with_a_free_place(events: Any, now: datetime | None = None) -> Any:
    """Return the events of which a place can be bought now: the API's `available=true`."""
    from tenant_apps.ticketing.models import TicketType

    return events.on_sale(now).filter(Exists(TicketType.objects.buyable(now).filter(event=OuterRef("pk"))))


def without_a_free_place(events: Any, now: datetime | None = None) -> Any:
    """Return the events of which nothing can be bought now, for whatever reason."""
    return events.exclude(pk__in=with_a_free_place(events.model.objects.all(), now).values("pk"))


class CheckInQuerySet(models.QuerySet[Any]):
    """Named questions about scans; they compose."""

    def admissions(self) -> "CheckInQuerySet":
        """Entries that count: admitted, not taken back. Somebody who went out and came back has several."""
        return self.filter(result="admitted", direction="in", undone_at__isnull=True)

    def standing(self) -> "CheckInQuerySet":
        """Admissions whose holder is inside now; at most one per ticket and list (T2)."""
        return self.admissions().filter(left_at__isnull=True)


def list_numbers(check_in_list: Any) -> dict[str, int]:
    """Return how many tickets the list expects, how many of them arrived and how many are inside; two statements."""
    from tenant_apps.ticketing.models import CheckIn, CheckInListType, Ticket

    limited = CheckInListType.objects.filter(check_in_list=check_in_list)
    expected = Ticket.objects.filter(
        ~Exists(limited) | Exists(limited.filter(ticket_type_id=OuterRef("ticket_type_id"))),
        event_id=check_in_list.event_id,
        status__in=("active", "used"),
    ).count()
    numbers = (
        CheckIn.objects.admissions()
        .filter(check_in_list=check_in_list)
        .aggregate(
            arrived=Count("ticket", distinct=True),
            inside=Count("ticket", filter=Q(left_at__isnull=True), distinct=True),
        )
    )
    return {"expected": expected, **numbers}
