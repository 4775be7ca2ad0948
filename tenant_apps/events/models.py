"""What people attend: events, their places, categories and tags, and who among the staff may touch which."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from shared_apps.core.clock import validate_zone
from shared_apps.core.models import Stamped
from shared_apps.core.money import validate_currency
from shared_apps.core.search import document, letters
from tenant_apps.events.querysets import EventQuerySet


class Category(Stamped):
    """A kind of event: concert, theatre, workshop."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Tag(Stamped):
    """A word that events are found by."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Venue(Stamped):
    """A place where events are held."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=150)
    address = models.CharField(_("address"), max_length=300, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=63, blank=True, validators=[validate_zone])

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name", "address"], name="venue_name_address")]
        # The box around a point that `EventQuerySet.near` looks into first.
        indexes = [models.Index(fields=["latitude", "longitude"], name="venue_place")]

    def __str__(self) -> str:
        return self.name


class Event(Stamped):
    """Something at a place and time that people attend."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        POSTPONED = "postponed", _("Postponed")
        CANCELLED = "cancelled", _("Cancelled")
        FINISHED = "finished", _("Finished")
        ARCHIVED = "archived", _("Archived")

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(_("title"), max_length=200)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    description = models.TextField(_("description"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=63, validators=[validate_zone])
    # One currency for an event, fixed after its first order (M6).
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="events")
    venue = models.ForeignKey(Venue, models.PROTECT, null=True, blank=True, related_name="events")
    tags = models.ManyToManyField(Tag, blank=True, related_name="events", through="EventTag")
    level = models.CharField(_("level"), max_length=20, blank=True)
    cancel_until = models.DateTimeField(_("orders can be cancelled until"), null=True, blank=True)
    external_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    # How often the row was changed: SEQUENCE of the calendars (RFC 5545, 3.8.7.4).
    revision = models.IntegerField(default=0, db_default=0, editable=False)
    search = models.GeneratedField(
        expression=document(high=["title"], low=["summary", "description"]),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    letters = models.GeneratedField(expression=letters("title"), output_field=models.TextField(), db_persist=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        # What a grant on one event can give. guardian takes only permissions of the object's own app, so every
        # permission that staff can have on an event is declared here, whichever app it concerns.
        permissions = [
            ("view_orders", "See orders"),
            ("change_orders", "Change orders"),
            ("refund_orders", "Refund orders"),
            ("check_in", "Scan tickets"),
            ("view_reports", "See reports"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name="event_ends_after_start"
            )
        ]
        indexes = [
            models.Index(fields=["status", "starts_at"], name="event_status_starts"),
            models.Index(fields=["modified_at"], name="event_modified"),
            GinIndex(fields=["search"], name="event_search"),
            GinIndex(fields=["letters"], opclasses=["gin_trgm_ops"], name="event_letters"),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self.revision += 1
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "revision"}
        super().save(*args, **kwargs)

    def takes_orders(self, now: datetime) -> bool:
        """Published and not over: the same as `on_sale()` for the row at hand."""
        return self.status == self.Status.PUBLISHED and (self.ends_at or self.starts_at) >= now


class EventTag(models.Model):
    """A tag on an event. A table of its own so that its constraints have short names (citus.md, rule 7)."""

    event = models.ForeignKey(Event, models.CASCADE)
    tag = models.ForeignKey(Tag, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "tag"], name="event_tag_once")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.tag_id}"


class EventUserPermission(UserObjectPermissionBase):
    """A grant: this person may do this on this one event. It goes with the event (I3)."""

    permission = models.ForeignKey(Permission, models.DO_NOTHING, related_name="+", db_constraint=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False)
    content_object = models.ForeignKey(Event, models.CASCADE, related_name="grants")

    class Meta:
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "events_grant"
        unique_together = []
        constraints = [
            models.UniqueConstraint(fields=["user", "permission", "content_object"], name="event_grant_once")
        ]
