"""The questions that are asked about reviews."""

from typing import Any

from django.db import models
from django.db.models import Q

ORDERS = {
    "newest": ("-created_at", "-id"),
    "best": ("-rating", "-created_at", "-id"),
    "worst": ("rating", "-created_at", "-id"),
}
QUEUES = ("waiting", "published", "rejected", "all")


class ReviewQuerySet(models.QuerySet[Any]):
    """Named questions about reviews; they compose."""

    def shown(self) -> "ReviewQuerySet":
        """What anybody may read."""
        return self.filter(status="published")

    def of_event(self, event: Any) -> "ReviewQuerySet":
        """What anybody may read about the event, the newest first."""
        return self.shown().filter(event=event).order_by("-created_at", "-id")

    def standing(self) -> "ReviewQuerySet":
        """All but those that were taken back."""
        return self.exclude(status="withdrawn")

    def own(self, user: Any) -> "ReviewQuerySet":
        """What the person wrote and did not take back."""
        return self.standing().filter(user_id=user.pk)

    def waiting(self) -> "ReviewQuerySet":
        """What staff have to decide about: held by a rule, or reported. Those that wait longest come first."""
        return self.filter(Q(status="held") | Q(open_reports__gt=0)).standing().order_by("created_at", "id")

    def queue(self, name: str) -> "ReviewQuerySet":
        """One of `QUEUES`, as staff look through it."""
        if name == "waiting":
            return self.waiting()
        found = self.standing() if name == "all" else self.filter(status=name)
        return found.order_by("-created_at", "-id")
