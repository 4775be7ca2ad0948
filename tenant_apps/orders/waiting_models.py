"""Who waits for a ticket type that is sold out, and what is held for them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.orders.querysets import WaitingEntryQuerySet
from tenant_apps.ticketing.models import TicketType

# Open: one of these at most for an address and a ticket type.
IN_LINE = ("waiting", "collecting")
OPEN = (*IN_LINE, "offered")


class WaitingEntry(models.Model):
    """Somebody's wish for so many places of a ticket type, all of them or none.

    Places come to it in the order of `joined_at`. `held` of them are claimed in each of `quotas`, as an unpaid order's
    are: all while it is offered, some while a group collects, none else. It ends when they are ordered, given back, or
    not wanted any more. Reached by its `secret`, which only its mails tell (T5).
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        COLLECTING = "collecting", _("Collecting places")
        OFFERED = "offered", _("Offered")
        TAKEN = "taken", _("Ordered")
        DECLINED = "declined", _("Declined")
        LAPSED = "lapsed", _("Not answered in time")
        LEFT = "left", _("Left the list")
        REMOVED = "removed", _("Removed")
        CLOSED = "closed", _("List closed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ticket_type = models.ForeignKey(TicketType, models.PROTECT, related_name="waiting_entries")
    quantity = models.IntegerField()
    email = models.EmailField(_("email"), max_length=254)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    language = models.CharField(max_length=10, blank=True)
    secret = models.CharField(max_length=43, unique=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    held = models.IntegerField(default=0)
    # The quotas that `held` places are claimed in, by id.
    quotas = ArrayField(models.BigIntegerField(), default=list)
    joined_at = models.DateTimeField(default=now, db_default=Now())
    # Until when the offer stands, or a group may collect.
    expires_at = models.DateTimeField(null=True)
    # A group that collected in vain once is passed over from then on, until enough places are free at once.
    passed_at = models.DateTimeField(null=True)
    # When it was last told by mail that it is on the list.
    told_at = models.DateTimeField(default=now, db_default=Now())
    ended_at = models.DateTimeField(null=True)
    order = models.ForeignKey("orders.Order", models.SET_NULL, null=True, related_name="waiting_entries")

    objects = WaitingEntryQuerySet.as_manager()

    class Meta:
        db_table = "orders_waiting"
        constraints = [
            models.UniqueConstraint("ticket_type", Upper("email"), condition=Q(status__in=OPEN), name="waiting_once"),
            models.CheckConstraint(
                condition=Q(status="offered", held=F("quantity"), expires_at__isnull=False)
                | Q(status="collecting", held__gt=0, held__lt=F("quantity"), expires_at__isnull=False)
                | (~Q(status__in=("offered", "collecting")) & Q(held=0)),
                name="waiting_held",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="waiting_quantity"),
        ]
        indexes = [
            models.Index(fields=["ticket_type", "joined_at"], condition=Q(status__in=IN_LINE), name="waiting_line"),
            models.Index(fields=["expires_at"], condition=Q(held__gt=0), name="waiting_overdue"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.ticket_type_id}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN
