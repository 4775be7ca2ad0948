"""What is asked about subscriptions, messages of Stripe and letters to owners."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

# A worker that took a letter and did not say that it sent it is given up after this time.
SENDING = timedelta(minutes=2)
MOST_TRIES = 10


class SubscriptionQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime | None = None) -> "SubscriptionQuerySet":
        """Those that are to be looked at, the longest overdue first."""
        return self.filter(look_at__lte=now or timezone.now()).order_by("look_at")


class BillingEventQuerySet(models.QuerySet[Any]):
    def waiting(self) -> "BillingEventQuerySet":
        """Messages that nothing was done about yet, in the order in which they came."""
        return self.filter(done_at=None).order_by("pk")

    def due(self, now: datetime | None = None) -> "BillingEventQuerySet":
        """Waiting ones that it is time for."""
        return self.waiting().filter(next_try_at__lte=now or timezone.now())


class BillingLetterQuerySet(models.QuerySet[Any]):
    def unsent(self, now: datetime | None = None) -> "BillingLetterQuerySet":
        """Letters that wait and that nobody is sending just now; parked ones are left."""
        nobody = Q(claimed_at=None) | Q(claimed_at__lt=(now or timezone.now()) - SENDING)
        return self.filter(nobody, sent_at=None, tries__lt=MOST_TRIES)
