"""Admission: what is on sale, how many places there are, the tickets issued, and who came in."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.capacity import LimitedCapacity
from shared_apps.core.codes import uuid7
from shared_apps.core.models import Stamped
from tenant_apps.events.models import Event
from tenant_apps.ticketing.querysets import CheckInQuerySet, TicketTypeQuerySet


class Quota(LimitedCapacity, Stamped):
    """A number of places of one event that one or more ticket types draw from.

    A price tier that ends with a number of tickets counts them in a quota of its own, which has no event: an order
    claims from it as from any other, so it sells exactly that many (M1), and no list of an event's places shows it.
    """

    event = models.ForeignKey(Event, models.CASCADE, null=True, related_name="quotas")
    tier = models.OneToOneField("TicketPriceTier", models.CASCADE, null=True, related_name="quota")
    name = models.CharField(_("name"), max_length=100)

    class Meta(LimitedCapacity.Meta):
        constraints = [
            *LimitedCapacity.Meta.constraints,
            models.CheckConstraint(
                condition=Q(event__isnull=True, tier__isnull=False) | Q(event__isnull=False, tier__isnull=True),
                name="quota_of_event_or_tier",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TicketType(Stamped):
    """A kind of admission on sale, with a price.

    What a public read needs: id, event, name, description, price_kind, price_minor (of pay-what-you-want: the least),
    suggested_price_minor, tax_rate, tax_included (NULL: as the tenant's preference `prices_include_tax` says),
    sale_starts_at, sale_ends_at, min_per_order, max_per_order, max_per_person, hidden, position, show_stock_below, the
    four of the cancel and transfer rules; beside them `places` (QuerySet.with_places) and `tier_rows`
    (QuerySet.with_tiers), from which `ticketing.prices.price_now` tells the price of this moment.
    """

    class PriceKind(models.TextChoices):
        FIXED = "fixed", _("Fixed price")
        OPEN = "pay_what_you_want", _("Pay what you want")
        FREE = "free", _("Free")

    event = models.ForeignKey(Event, models.CASCADE, related_name="ticket_types")
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True)
    price_kind = models.CharField(
        _("kind of price"), max_length=20, choices=PriceKind.choices, default="fixed", db_default="fixed"
    )
    # What one costs when no tier is in force; where buyers say the price, the least that they may say.
    price_minor = models.BigIntegerField(_("price"), default=0)
    suggested_price_minor = models.BigIntegerField(_("suggested price"), null=True, blank=True)
    # NULL: as the tenant has it for all.
    tax_included = models.BooleanField(_("tax is in the price"), null=True, blank=True)
    tax_rate = models.DecimalField(
        _("tax rate"),
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    sale_starts_at = models.DateTimeField(_("on sale from"), null=True, blank=True)
    sale_ends_at = models.DateTimeField(_("on sale until"), null=True, blank=True)
    min_per_order = models.IntegerField(_("at least per order"), default=1)
    max_per_order = models.IntegerField(_("at most per order"), default=20)
    max_per_person = models.IntegerField(_("at most per person"), null=True, blank=True)
    hidden = models.BooleanField(_("hidden"), default=False)
    # The number of places left is told to buyers only from here on down; NULL: always.
    show_stock_below = models.IntegerField(_("say how many are left from"), null=True, blank=True)
    cancel_allowed = models.BooleanField(_("buyers may cancel"), default=True, db_default=True)
    cancel_until = models.DateTimeField(_("cancel until"), null=True, blank=True)
    # Never NULL, by a check: Postgres 18's own name for that rule would be longer than 45 characters.
    transfer_allowed = models.BooleanField(_("holders may pass it on"), null=True, default=True, db_default=True)
    transfer_until = models.DateTimeField(_("pass on until"), null=True, blank=True)
    # Whether people may wait for it when it is sold out.
    waiting_list = models.BooleanField(_("waiting list"), default=True, db_default=True)
    # What people at the door are told about each ticket of this type: "check the student card".
    door_note = models.CharField(_("tell the door"), max_length=100, blank=True, default="", db_default="")
    position = models.IntegerField(default=0)
    quotas = models.ManyToManyField(Quota, related_name="ticket_types", through="QuotaTicketType")

    objects = TicketTypeQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="ticket_type_price_not_negative"),
            models.CheckConstraint(
                condition=Q(min_per_order__gte=1, max_per_order__gte=F("min_per_order")),
                name="ticket_type_order_limits",
            ),
            models.CheckConstraint(
                condition=Q(sale_starts_at__isnull=True)
                | Q(sale_ends_at__isnull=True)
                | Q(sale_ends_at__gt=F("sale_starts_at")),
                name="ticket_type_sale_window",
            ),
            models.CheckConstraint(
                condition=Q(price_kind="fixed", suggested_price_minor__isnull=True)
                | Q(price_kind="free", price_minor=0, suggested_price_minor__isnull=True)
                | (
                    Q(price_kind="pay_what_you_want")
                    & (Q(suggested_price_minor__isnull=True) | Q(suggested_price_minor__gte=F("price_minor")))
                ),
                name="ticket_type_price_kind",
            ),
            models.CheckConstraint(
                condition=(Q(max_per_person__isnull=True) | Q(max_per_person__gte=F("min_per_order")))
                & (Q(show_stock_below__isnull=True) | Q(show_stock_below__gte=0)),
                name="ticket_type_person_and_stock",
            ),
            models.CheckConstraint(condition=Q(transfer_allowed__isnull=False), name="ticket_type_transfer_said"),
        ]

    def __str__(self) -> str:
        return self.name

    def in_sale_window(self, now: datetime) -> bool:
        """The window is [start, end) (O10): the same as the QuerySet's question for the row at hand."""
        begun = self.sale_starts_at is None or self.sale_starts_at <= now
        return begun and (self.sale_ends_at is None or now < self.sale_ends_at)


class TicketPriceTier(Stamped):
    """A price that a ticket type has until a time, or for so many tickets: an early bird.

    The first by `position` that is in force gives the price; after the last the type's own does. `until` is the first
    moment at which it is over. How many tickets it has is its quota's capacity; without a quota only time ends it.
    What a public read needs: id, ticket_type, name, price_minor, until, position; of its quota capacity, held, sold.
    """

    ticket_type = models.ForeignKey(TicketType, models.CASCADE, related_name="tiers")
    name = models.CharField(_("name"), max_length=100)
    price_minor = models.BigIntegerField(_("price"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    position = models.IntegerField(default=0)

    class Meta:
        db_table = "ticketing_tier"
        ordering = ["position", "id"]
        constraints = [models.CheckConstraint(condition=Q(price_minor__gte=0), name="tier_price_not_negative")]

    def __str__(self) -> str:
        return self.name


class QuotaTicketType(models.Model):
    """That a ticket type draws from a quota. A table of its own for short constraint names."""

    quota = models.ForeignKey(Quota, models.CASCADE)
    ticket_type = models.ForeignKey(TicketType, models.CASCADE)

    class Meta:
        db_table = "ticketing_quota_type"
        constraints = [models.UniqueConstraint(fields=["quota", "ticket_type"], name="quota_type_once")]

    def __str__(self) -> str:
        return f"{self.quota_id}: {self.ticket_type_id}"


class EventKey(models.Model):
    """The key pair (Ed25519, RFC 8032) that signs an event's ticket codes. The one unretired key signs.

    The private half is kept encrypted (`shared_apps.core.secrets`). What a retired key signed still counts: the
    database decides about each ticket, and printed tickets outlive a key.
    """

    event = models.ForeignKey(Event, models.CASCADE, related_name="keys")
    key_id = models.CharField(max_length=8, unique=True)
    private_key = models.BinaryField()
    public_key = models.BinaryField()
    created_at = models.DateTimeField(default=now, db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True)
    # From here on nothing that it signed is believed: somebody else may have its private half.
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event"], condition=Q(retired_at__isnull=True), name="event_key_one_signs")
        ]

    def __str__(self) -> str:
        return self.key_id


class Ticket(models.Model):
    """One admission issued to one holder. Its status and its token change only in `ticketing.lifecycle`.

    `token` is 128 random bits (T1); the text of the QR code is made of it by the event's key. A transfer or
    reissue gives the place to a new row or token, so the old code is dead at commit.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Valid")
        USED = "used", _("Used")
        CANCELLED = "cancelled", _("Cancelled")
        REFUNDED = "refunded", _("Refunded")
        TRANSFERRED = "transferred", _("Transferred")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="tickets")
    ticket_type = models.ForeignKey(TicketType, models.PROTECT, related_name="tickets")
    token = models.UUIDField(unique=True)
    short_code = models.CharField(max_length=12)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.ACTIVE)
    holder_name = models.CharField(_("name"), max_length=150, blank=True)
    holder_email = models.EmailField(_("email"), max_length=254, blank=True)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    seat = models.CharField(max_length=40, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    # Of a ticket that was passed on: what opens it for its new holder. The order's own secret does not any more (T5).
    secret = models.CharField(max_length=43, blank=True, default="", db_default="", editable=False)
    # When a revoked ticket became good again, for scanners that were told that it is not.
    reinstated_at = models.DateTimeField(null=True, blank=True)
    # Counts its admissions, leavings and undos, each in the transaction of the act: what was read of them before
    # holds as long as this number does (`ticketing.answering`).
    passages = models.IntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        # None of the status: so a scan changes no indexed column, and Postgres leaves all indexes as they are (HOT).
        indexes = [models.Index(fields=["short_code"], name="ticket_short_code")]

    def __str__(self) -> str:
        return self.short_code

    @property
    def is_passed_on(self) -> bool:
        """Whether somebody was given it by an earlier holder: then its code is for that person, not for the buyer."""
        return bool(self.secret)


class Handover(models.Model):
    """That a ticket was passed on: the row that ended with it, and the one that took its place.

    `first` is the ticket that was sold, so the whole chain is one question. A ticket is passed on once, whatever
    happens at the same moment: that is a constraint.
    """

    old = models.OneToOneField(Ticket, models.PROTECT, related_name="handed_over")
    new = models.OneToOneField(Ticket, models.PROTECT, related_name="received")
    first = models.ForeignKey(Ticket, models.PROTECT, related_name="+")
    # Who did it, as in the audit trail; NULL for who holds it without an account.
    by = models.BigIntegerField(null=True)
    at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.old_id} > {self.new_id}"


class RetiredCode(models.Model):
    """A token that a ticket had before it was given another. Whoever shows it is told so, and not admitted (T4)."""

    token = models.UUIDField(primary_key=True)
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="retired_codes")
    event = models.ForeignKey(Event, models.CASCADE, related_name="+", db_index=False)
    retired_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "ticketing_retired"
        indexes = [models.Index(fields=["event", "retired_at"], name="retired_event")]

    def __str__(self) -> str:
        return str(self.token)


class CheckInZone(Stamped):
    """A hall, a tribune, a ship: what one or more check-in lists lead into, with the number of people it may hold.

    `inside` counts the admissions that stand there. A place is taken in the statement that writes the scan's answer
    (`ticketing.answering`), and the check is the last line: never more than the capacity, whatever gates there are.
    """

    event = models.ForeignKey(Event, models.CASCADE, related_name="check_in_zones")
    name = models.CharField(_("name"), max_length=100)
    # NULL: no limit.
    capacity = models.IntegerField(_("places"), null=True, blank=True)
    inside = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "ticketing_zone"
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(inside__gte=0) & (Q(capacity__isnull=True) | Q(capacity__gte=F("inside"))),
                name="check_in_zone_within_capacity",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def free(self) -> int | None:
        """Places left by this row as it was read; None means no limit. For showing, never for deciding."""
        return None if self.capacity is None else max(0, self.capacity - self.inside)


class CheckInList(Stamped):
    """The tickets that one entrance accepts: of one event, all types or some, on one day or in a window.

    Lists that lead into one zone count together: whoever stands inside by one is refused by the others.
    """

    class Entries(models.TextChoices):
        AFTER_EXIT = "after_exit", _("Again after going out")
        ONCE = "once", _("Once")
        DAILY = "once_per_day", _("Once a day")

    class Directions(models.TextChoices):
        BOTH = "both", _("In and out")
        IN = "in", _("Only in")
        OUT = "out", _("Only out")

    event = models.ForeignKey(Event, models.CASCADE, related_name="check_in_lists")
    name = models.CharField(_("name"), max_length=100)
    ticket_types = models.ManyToManyField(TicketType, blank=True, through="CheckInListType")
    # Where it stands, in the organizer's words.
    gate = models.CharField(_("gate"), max_length=60, blank=True, db_default="")
    zone = models.ForeignKey(CheckInZone, models.PROTECT, null=True, blank=True, related_name="lists")
    # The day of the event, in its zone, on which it admits; NULL: every day.
    day = models.DateField(_("day"), null=True, blank=True)
    # The hour at which a day begins: at 5 whoever comes at 2 in the night belongs to the evening before.
    day_starts = models.IntegerField(_("a day begins at"), default=0, db_default=0)
    opens_at = models.DateTimeField(_("open from"), null=True, blank=True)
    closes_at = models.DateTimeField(_("open until"), null=True, blank=True)
    entries = models.CharField(
        _("how often"), max_length=12, choices=Entries.choices, default="after_exit", db_default="after_exit"
    )
    directions = models.CharField(
        _("directions"), max_length=4, choices=Directions.choices, default="both", db_default="both"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True) | Q(closes_at__isnull=True) | Q(closes_at__gt=F("opens_at")),
                name="check_in_list_window",
            ),
            models.CheckConstraint(condition=Q(day_starts__range=(0, 23)), name="check_in_list_day_starts"),
        ]

    def __str__(self) -> str:
        return self.name


class CheckInListType(models.Model):
    """That a list accepts a ticket type. A list without any accepts all of its event."""

    check_in_list = models.ForeignKey(CheckInList, models.CASCADE)
    ticket_type = models.ForeignKey(TicketType, models.CASCADE)

    class Meta:
        db_table = "ticketing_list_type"
        constraints = [models.UniqueConstraint(fields=["check_in_list", "ticket_type"], name="list_type_once")]

    def __str__(self) -> str:
        return f"{self.check_in_list_id}: {self.ticket_type_id}"


class CheckIn(models.Model):
    """One scan and its answer. At most one admission stands per ticket and list (T2).

    An admission stands until it is undone, or until its holder is scanned out and may come in again.
    """

    class Result(models.TextChoices):
        ADMITTED = "admitted", _("Admitted")
        REFUSED = "refused", _("Refused")

    class Direction(models.TextChoices):
        IN = "in", _("In")
        OUT = "out", _("Out")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The indexes of what is said once (T3) and of the recent ones begin with it.
    check_in_list = models.ForeignKey(CheckInList, models.CASCADE, related_name="check_ins", db_index=False)
    # NULL for a code that is no ticket of ours.
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="check_ins")
    scan_id = models.CharField(max_length=64)
    result = models.CharField(max_length=8, choices=Result.choices)
    reason = models.CharField(max_length=20, blank=True)
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.IN)
    # What a scanner without network had decided by itself before it could ask; empty where it asked (T3).
    decided_offline = models.CharField(max_length=8, blank=True, default="", db_default="")
    scanned_at = models.DateTimeField(default=now)
    received_at = models.DateTimeField(default=now, db_default=Now())
    scanned_by = models.BigIntegerField(null=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.BigIntegerField(null=True)
    left_at = models.DateTimeField(null=True, blank=True)
    # The zone whose place an admission took; the list may lead elsewhere by now. Found by ticket, never by itself.
    zone = models.ForeignKey(CheckInZone, models.SET_NULL, null=True, db_index=False, related_name="+")
    # Why somebody was let in by hand; empty for a scanned code.
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    objects = CheckInQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_in_list", "scan_id"], name="check_in_scan_once"),
            models.UniqueConstraint(
                fields=["check_in_list", "ticket"],
                condition=Q(result="admitted", direction="in", undone_at__isnull=True, left_at__isnull=True),
                name="check_in_one_admission",
            ),
        ]
        indexes = [models.Index(fields=["check_in_list", "-received_at"], name="check_in_list_recent")]

    def __str__(self) -> str:
        return f"{self.result} {self.reason}".strip()

    @property
    def is_conflict(self) -> bool:
        """Whether somebody at the door was told something else than what we say, while there was no network (T3)."""
        return bool(self.decided_offline) and self.decided_offline != self.result


class OfflineScan(models.Model):
    """What a scanner without network told the person at the door, beside what the database says of the same scan (T3).

    What it told is the scan's `decided_offline`, `reason` why. `conflict` names how the two contradict each other; ""
    where they agree.
    """

    class Conflict(models.TextChoices):
        LET_IN = "let_in", _("Let in, though the ticket does not admit")
        TURNED_AWAY = "turned_away", _("Turned away with a good ticket")

    check_in = models.OneToOneField(CheckIn, models.CASCADE, primary_key=True, related_name="offline")
    reason = models.CharField(max_length=20, blank=True)
    conflict = models.CharField(max_length=12, choices=Conflict.choices, blank=True)
    # The device's own name for itself, made up by it; and how old its list was when it told.
    device = models.CharField(max_length=36, blank=True)
    listed_at = models.DateTimeField(null=True, blank=True)
    # How far its clock was ahead of ours, in seconds; `scanned_at` of the scan is corrected by it already.
    clock_ahead = models.IntegerField(default=0)
    received_at = models.DateTimeField(default=now, db_default=Now())
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], condition=~Q(conflict=""), name="offline_scan_conflicts"),
        ]

    def __str__(self) -> str:
        return f"{self.conflict} {self.reason}".strip()
