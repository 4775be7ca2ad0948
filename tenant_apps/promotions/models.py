"""Price rules: discounts that apply by themselves, vouchers whose codes apply one, and who used which."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.models import Stamped
from shared_apps.core.money import validate_currency
from tenant_apps.promotions import rules
from tenant_apps.promotions.querysets import DiscountQuerySet, VoucherQuerySet
from tenant_apps.ticketing.models import Quota

# What a scope is made of: lists of ids, and slugs of product categories, whose branches are known by slug.
SCOPE = ("events", "ticket_types", "products", "event_categories", "product_categories")


def _ids() -> Any:
    return ArrayField(models.BigIntegerField(), default=list, blank=True, db_default=[])


class PriceRule(Stamped):
    """What a price rule applies to, and when.

    The lists name rows by id and not by foreign keys: a rule for an event that is deleted then applies to nothing,
    where an emptied list would make it apply to everything. All lists empty: to all tickets, all goods, or both
    (`applies_to`).
    """

    class Of(models.TextChoices):
        ALL = "", _("Tickets and goods")
        TICKET = "ticket", _("Tickets")
        PRODUCT = "product", _("Goods")

    applies_to = models.CharField(_("applies to"), max_length=7, choices=Of.choices, blank=True, default="")
    events = _ids()
    ticket_types = _ids()
    products = _ids()
    event_categories = _ids()
    product_categories = ArrayField(models.SlugField(max_length=60), default=list, blank=True, db_default=[])
    percent = models.DecimalField(
        _("percent"),
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    amount_minor = models.BigIntegerField(_("amount"), default=0)
    # Of the amount; a rule with an amount says nothing to an order in another currency.
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    active = models.BooleanField(_("switched on"), default=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100, amount_minor__gte=0), name="%(class)s_value_in_range"
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="%(class)s_window",
            ),
        ]

    @property
    def scope(self) -> rules.Scope:
        return rules.Scope(kind=self.applies_to, **{name: frozenset(getattr(self, name)) for name in SCOPE})

    @property
    def state(self) -> str:
        """off, planned, over or on, at this moment. For showing."""
        moment = now()
        if not self.active:
            return "off"
        if self.valid_from and moment < self.valid_from:
            return "planned"
        return "on" if self.in_window(moment) else "over"

    @property
    def is_amount(self) -> bool:
        """A sum of money comes off, not a part of the price."""
        return self.kind in (rules.EACH, rules.FIXED)  # type: ignore[attr-defined]  # each subclass has its kinds

    def in_window(self, moment: datetime) -> bool:
        """The window is [from, until)."""
        begun = self.valid_from is None or self.valid_from <= moment
        return begun and (self.valid_until is None or moment < self.valid_until)


class Discount(PriceRule):
    """A price rule that applies by itself; what each field does, `rules.DiscountRule` says."""

    class Kind(models.TextChoices):
        PERCENT = rules.PERCENT, _("Percentage")
        EACH = rules.EACH, _("Amount off each")
        BUY_GET = rules.BUY_GET, _("Buy some, get some")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=11, choices=Kind.choices)
    min_quantity = models.IntegerField(_("from so many in one order"), default=1)
    buy_quantity = models.IntegerField(_("buy"), default=0)
    get_quantity = models.IntegerField(_("get"), default=0)
    days_before = models.IntegerField(_("until so many days before the event"), null=True, blank=True)
    adds_up = models.BooleanField(_("adds to other discounts"), default=False)

    objects = DiscountQuerySet.as_manager()

    class Meta(PriceRule.Meta):
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "promo_discount"
        ordering = ["name", "id"]
        constraints = [
            *PriceRule.Meta.constraints,
            models.CheckConstraint(
                condition=Q(min_quantity__gte=1) & (Q(days_before__isnull=True) | Q(days_before__gte=0)),
                name="discount_conditions",
            ),
            models.CheckConstraint(
                condition=~Q(kind=rules.BUY_GET) | Q(buy_quantity__gte=1, get_quantity__gte=1),
                name="discount_buy_and_get",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Voucher(PriceRule):
    """A code that makes an order cheaper, opens hidden ticket types, or keeps places of a quota for those who have it.

    `used` counts the orders that have it and are not given back (M4). `reserved` places of `quota` are held there for
    future orders with the code; an order takes its places from these first.
    """

    class Kind(models.TextChoices):
        PERCENT = rules.PERCENT, _("Percentage")
        FIXED = rules.FIXED, _("Fixed amount")
        FREE = rules.FREE, _("Free")

    # In capitals: nobody has to mind the case.
    code = models.CharField(_("code"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    most_items = models.IntegerField(_("at most so many in one order"), null=True, blank=True)
    adds_up = models.BooleanField(_("adds to discounts"), default=True)
    opens_hidden = models.BooleanField(_("opens hidden ticket types"), default=False)
    max_uses = models.IntegerField(_("uses"), null=True, blank=True)
    max_per_buyer = models.IntegerField(_("uses by one buyer"), null=True, blank=True)
    used = models.IntegerField(default=0)
    quota = models.ForeignKey(Quota, models.SET_NULL, null=True, blank=True, related_name="+")
    reserved = models.IntegerField(_("places kept"), default=0)
    # What staff sort codes by: "press", "newsletter 3".
    tag = models.CharField(_("tag"), max_length=60, blank=True)

    objects = VoucherQuerySet.as_manager()

    class Meta(PriceRule.Meta):
        db_table = "promo_voucher"
        ordering = ["-id"]
        constraints = [
            *PriceRule.Meta.constraints,
            models.CheckConstraint(
                condition=Q(used__gte=0) & (Q(max_uses__isnull=True) | Q(max_uses__gte=F("used"))),
                name="voucher_used_within_limit",
            ),
            models.CheckConstraint(
                condition=Q(reserved__gte=0)
                & (Q(max_per_buyer__isnull=True) | Q(max_per_buyer__gte=1))
                & (Q(most_items__isnull=True) | Q(most_items__gte=1)),
                name="voucher_limits",
            ),
        ]
        indexes = [models.Index(fields=["tag"], name="voucher_tag")]

    def __str__(self) -> str:
        return self.code

    @property
    def used_up(self) -> bool:
        """By this row as it was read. For showing, never for deciding."""
        return self.max_uses is not None and self.used >= self.max_uses

    def rule(self) -> rules.VoucherRule:
        return rules.VoucherRule(
            id=self.pk,
            code=self.code,
            kind=self.kind,
            percent=hundredths(self.percent),
            amount_minor=self.amount_minor,
            currency=self.currency,
            most_items=self.most_items,
            adds_up=self.adds_up,
            scope=self.scope,
        )


class VoucherUse(models.Model):
    """That an order has a voucher. Given back once, when the order ends unpaid or is cancelled in full (M4)."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="uses")
    order_id = models.UUIDField(unique=True)
    # In small letters.
    buyer = models.EmailField(max_length=254)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # How many of the order's places came from those that the voucher keeps.
    reserved = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    given_back_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "promo_use"
        ordering = ["-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gte=0, reserved__gte=0), name="use_amounts")]
        indexes = [
            models.Index(fields=["voucher", "buyer"], condition=Q(given_back_at__isnull=True), name="voucher_use_buyer")
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id}: {self.order_id}"


def hundredths(percent: Decimal | str | float) -> int:
    """Return a percentage as `rules` have it: whole hundredths of a per cent."""
    return int(Decimal(str(percent)) * 100)
