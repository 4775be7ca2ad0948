"""Questions about deliveries."""

from datetime import datetime
from typing import Any

from django.db import models


class DeliveryQuerySet(models.QuerySet[Any]):
    """Deliveries by where they stand."""

    def due(self, now: datetime) -> "DeliveryQuerySet":
        """What may be sent now, whatever its endpoint's state."""
        return self.filter(status="waiting", due_at__lte=now, give_up_at__gt=now)

    def for_log(self) -> "DeliveryQuerySet":
        """Newest first, with what happened."""
        return self.select_related("event").defer("reply").order_by("-created_at", "-id")
