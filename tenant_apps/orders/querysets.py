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
