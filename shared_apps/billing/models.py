"""What the platform charges tenants by: how much each used, day by day."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from tenants.models import Tenant


class Usage(models.Model):
    """What one tenant used on one day (UTC). Reckoned anew from the tenant's own rows until the day is over, so that it
    is the same however often and by however many it is reckoned.

    `storage_bytes` is what lay there when it was last reckoned; `measured_at` says when that was.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="usage", db_index=False)
    day = models.DateField()
    orders = models.BigIntegerField(default=0)
    paid_tickets = models.BigIntegerField(default=0)
    mails = models.BigIntegerField(default=0)
    api_requests = models.BigIntegerField(default=0)
    storage_bytes = models.BigIntegerField(default=0)
    measured_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        verbose_name_plural = "usage"
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day"], name="usage_once_a_day"),
            models.CheckConstraint(
                condition=Q(
                    orders__gte=0, paid_tickets__gte=0, mails__gte=0, api_requests__gte=0, storage_bytes__gte=0
                ),
                name="usage_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day}"
