"""The questions that are asked about events."""

import re
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import F, OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils import timezone

from shared_apps.core.pictures import SHOWN
from tenant_apps.staff.permissions import events_granted, permissions_of
from tenant_apps.staff.presets import EVENT_PERMISSIONS

MOST_WORDS = 10
PUBLIC = ("published", "postponed", "cancelled", "finished")


class EventQuerySet(models.QuerySet[Any]):
    """Named questions about events; they compose."""

    def public(self) -> "EventQuerySet":
        """What anyone may see: all but drafts and archived ones."""
        return self.filter(status__in=PUBLIC)

    def upcoming(self, now: datetime | None = None) -> "EventQuerySet":
        """Not over yet: the end, or the start where no end is known, lies ahead."""
        now = now or timezone.now()
        return self.filter(Q(ends_at__gte=now) | Q(ends_at__isnull=True, starts_at__gte=now))

    def on_sale(self, now: datetime | None = None) -> "EventQuerySet":
        """Published and not over: orders are taken."""
        return self.filter(status="published").upcoming(now)

    def visible_to(self, user: Any) -> "EventQuerySet":
        """What the person may see at all: what is public; for staff all, or also what they were granted (I2)."""
        if user is None or not user.is_authenticated:
            return self.public()
        if permissions_of(user) & EVENT_PERMISSIONS.keys():
            return self
        return self.filter(Q(status__in=PUBLIC) | Q(pk__in=events_granted(user)))

    def called(self, slug_or_id: str) -> "EventQuerySet":
        """The one with this slug; a text of digits only is an id, as no slug is."""
        if slug_or_id.isascii() and slug_or_id.isdigit():
            return self.filter(pk=int(slug_or_id)) if len(slug_or_id) <= 18 else self.none()
        return self.filter(slug=slug_or_id)

    def matching(self, text: str) -> "EventQuerySet":
        """Whose title, summary or description has words that begin with each of the given ones."""
        words = re.findall(r"\w+", text)[:MOST_WORDS]
        if not words:
            return self.none()
        query = " & ".join(f"'{word}':*" for word in words)
        return self.filter(search=SearchQuery(query, search_type="raw", config="simple"))

    def for_show(self) -> "EventQuerySet":
        """With what a page or the API shows beside the event's own columns, in the one statement.

        `tag_list` is a list of `{"slug", "name"}`, `picture_list` of what `pictures.SHOWN` names. The search vector is
        left in the database.
        """
        through = self.model.tags.through._default_manager.filter(event_id=OuterRef("pk")).order_by("tag__name")
        tags = ArraySubquery(through.values(shown=JSONObject(slug=F("tag__slug"), name=F("tag__name"))))
        found = self.select_related("category", "venue").annotate(tag_list=tags).defer("search")
        return found.with_pictures()

    def with_pictures(self) -> "EventQuerySet":
        """Each with `picture_list`, in the same statement."""
        media = self.model._meta.get_field("media").related_model._default_manager.filter(event_id=OuterRef("pk"))
        return self.annotate(picture_list=ArraySubquery(media.order_by("position", "pk").values(shown=SHOWN)))
