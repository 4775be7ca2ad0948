"""The questions that are asked about events."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone


class EventQuerySet(models.QuerySet[Any]):
    """Named questions about events; they compose."""

    def public(self) -> "EventQuerySet":
        """What anyone may see: all but drafts and archived ones."""
        return self.filter(status__in=("published", "postponed", "cancelled", "finished"))

    def upcoming(self, now: datetime | None = None) -> "EventQuerySet":
        """Not over yet: the end, or the start where no end is known, lies ahead."""
        now = now or timezone.now()
        return self.filter(Q(ends_at__gte=now) | Q(ends_at__isnull=True, starts_at__gte=now))

    def on_sale(self, now: datetime | None = None) -> "EventQuerySet":
        """Published and not over: orders are taken."""
        return self.filter(status="published").upcoming(now)
