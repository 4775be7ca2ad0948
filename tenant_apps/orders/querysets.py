"""The questions that are asked about orders."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone


class OrderQuerySet(models.QuerySet[Any]):
    """Named questions about orders; they compose."""

    def unpaid(self) -> "OrderQuerySet":
        """Orders that still hold places and wait for their money."""
        return self.filter(status="pending")

    def overdue(self, now: datetime | None = None) -> "OrderQuerySet":
        """Unpaid orders whose claim on capacity has run out (M3)."""
        return self.unpaid().filter(expires_at__lte=now or timezone.now())

    def of_person(self, user_id: int) -> "OrderQuerySet":
        """What this person ordered while signed in."""
        return self.filter(user_id=user_id)

    def for_list(self) -> "OrderQuerySet":
        """Newest first, without the secret."""
        return self.defer("secret").order_by("-created_at", "-id")


class WaitingEntryQuerySet(models.QuerySet[Any]):
    """Named questions about who waits; they compose."""

    def open(self) -> "WaitingEntryQuerySet":
        """Who still waits or has an offer."""
        return self.filter(status__in=("waiting", "collecting", "offered"))

    def in_line(self) -> "WaitingEntryQuerySet":
        """Who waits for places, first come first."""
        return self.filter(status__in=("waiting", "collecting")).order_by("joined_at", "pk")

    def overdue(self, now: datetime | None = None) -> "WaitingEntryQuerySet":
        """Who holds places longer than they may: their time to answer, or to collect, is over (M3)."""
        return self.filter(held__gt=0, expires_at__lte=now or timezone.now())
