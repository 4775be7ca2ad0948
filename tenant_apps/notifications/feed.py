"""A person's feed here: what they were told, newest first, and what of it they have read."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from shared_apps.core.errors import NotFound
from tenant_apps.notifications.models import Notification

# More than this is shown as "99+": nobody counts on.
MOST_COUNTED = 100


def feed_of(user: Any) -> QuerySet[Notification]:
    """Return what the person was told by this tenant."""
    return Notification.objects.filter(user_id=user.pk).order_by("-created_at", "-id")


def unread_of(user: Any) -> int:
    """Return how many of them are unread, at most 100: the index of unread ones is all that is read."""
    unread = Notification.objects.filter(user_id=user.pk, read_at__isnull=True)
    return unread.values("pk")[:MOST_COUNTED].count()


def mark_read(user: Any, pk: uuid.UUID, now: datetime | None = None) -> Notification:
    """Mark one as read, from now on; twice changes nothing. Raises NotFound for what is not the person's."""
    feed_of(user).filter(pk=pk, read_at__isnull=True).update(read_at=now or timezone.now())
    found = feed_of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def mark_all_read(user: Any, now: datetime | None = None) -> int:
    """Mark all as read and return how many were not."""
    return feed_of(user).filter(read_at__isnull=True).update(read_at=now or timezone.now())
