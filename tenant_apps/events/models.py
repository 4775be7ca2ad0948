"""What people attend: events, their places, categories and tags, and who among the staff may touch which."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Now, NullIf
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from shared_apps.core.clock import validate_zone
from shared_apps.core.models import Stamped
from shared_apps.core.money import validate_currency
from shared_apps.core.pictures import StoredPicture
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
    # How many people the place takes, to be told; what may be sold is the quotas' (M1). None: nobody said.
    capacity = models.IntegerField(_("capacity"), null=True, blank=True)
    accessibility = models.TextField(_("accessibility"), blank=True, max_length=2000, db_default="")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "address"], name="venue_name_address"),
            models.CheckConstraint(condition=Q(capacity__isnull=True) | Q(capacity__gte=0), name="venue_capacity"),
        ]
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

    class Attendance(models.TextChoices):
        """How one takes part, in schema.org's words."""

        ONSITE = "onsite", _("On site")
        ONLINE = "online", _("Online")
        MIXED = "mixed", _("On site and online")

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
    attendance = models.CharField(
        _("how one takes part"),
        max_length=6,
        choices=Attendance.choices,
        default=Attendance.ONSITE,
        db_default=Attendance.ONSITE,
    )
    # Shown to holders of tickets and to staff, never in public.
    online_url = models.URLField(_("link to take part"), max_length=500, blank=True, db_default="")
    contact_name = models.CharField(_("contact"), max_length=150, blank=True, db_default="")
    contact_email = models.EmailField(_("contact email"), max_length=254, blank=True, db_default="")
    contact_phone = models.CharField(_("contact phone"), max_length=40, blank=True, db_default="")
    contact_url = models.URLField(_("contact page"), max_length=500, blank=True, db_default="")
    # When it was to start before it was postponed; schema.org's previousStartDate.
    previous_starts_at = models.DateTimeField(null=True, blank=True)
    # [{"days": 14, "percent": 100}, …], most days first; None: the tenant's rule holds (`refund_rule`).
    refund_tiers = models.JSONField(null=True, blank=True)
    series = models.ForeignKey("EventSeries", models.PROTECT, null=True, blank=True, related_name="dates")
    # The start that the series' rule gave this date. It stays when the date itself is moved.
    series_start = models.DateTimeField(null=True, blank=True)
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
            ),
            models.UniqueConstraint(fields=["series", "series_start"], name="event_series_date_once"),
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
        new = self._state.adding
        super().save(*args, **kwargs)
        if new:
            EventStanding.objects.bulk_create([EventStanding(event=self)], ignore_conflicts=True)

    def takes_orders(self, now: datetime) -> bool:
        """Published and not over: the same as `on_sale()` for the row at hand."""
        return self.status == self.Status.PUBLISHED and (self.ends_at or self.starts_at) >= now


STARS = (1, 2, 3, 4, 5)
# A rating among few is believed less: it counts as if these had been given besides. Three stars are the middle of the
# scale, not the tenant's own mean: where one event has most of the ratings, that mean is its own, and a single five
# would stand above its hundred ratings of 4.8 (docs/decisions/0054).
DOUBT_RATINGS, DOUBT_STARS = 10, 3
_RATINGS: Any = F("stars_1") + F("stars_2") + F("stars_3") + F("stars_4") + F("stars_5")
_TOTAL: Any = F("stars_1") + F("stars_2") * 2 + F("stars_3") * 3 + F("stars_4") * 4 + F("stars_5") * 5
_EXACT = models.DecimalField(max_digits=20, decimal_places=6)


class EventStanding(models.Model):
    """How an event stands with people. One row for every event, written by `events.standing` and nobody else."""

    event = models.OneToOneField(Event, models.CASCADE, primary_key=True, related_name="standing")
    likes = models.IntegerField(default=0, db_default=0)
    favourites = models.IntegerField(default=0, db_default=0)
    stars_1 = models.IntegerField(default=0, db_default=0)
    stars_2 = models.IntegerField(default=0, db_default=0)
    stars_3 = models.IntegerField(default=0, db_default=0)
    stars_4 = models.IntegerField(default=0, db_default=0)
    stars_5 = models.IntegerField(default=0, db_default=0)
    ratings = models.GeneratedField(expression=_RATINGS, output_field=models.IntegerField(), db_persist=True)
    rating_total = models.GeneratedField(expression=_TOTAL, output_field=models.IntegerField(), db_persist=True)
    # The mean that people are shown; NULL where nobody rated.
    rating = models.GeneratedField(
        expression=Cast(_TOTAL, _EXACT) / NullIf(_RATINGS, Value(0)),
        output_field=models.DecimalField(max_digits=3, decimal_places=2),
        db_persist=True,
    )
    # What events are ordered by: the mean as far as it may be believed. NULL where nobody rated.
    score = models.GeneratedField(
        expression=Cast(_TOTAL + DOUBT_RATINGS * DOUBT_STARS, _EXACT) / (NullIf(_RATINGS, Value(0)) + DOUBT_RATINGS),
        output_field=models.DecimalField(max_digits=7, decimal_places=6),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    likes__gte=0, favourites__gte=0,
                    stars_1__gte=0, stars_2__gte=0, stars_3__gte=0, stars_4__gte=0, stars_5__gte=0,
                ),
                name="standing_not_below_zero",
            )
        ]  # fmt: skip
        # Both ends of the list, the unrated last in each; a like changes neither index.
        indexes = [
            models.Index(F("score").desc(nulls_last=True), F("event"), name="standing_best_first"),
            models.Index(F("score").asc(nulls_last=True), F("event"), name="standing_worst_first"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.rating}"


class StandingChange(models.Model):
    """By how much an event's counters are to change: added with what is counted, folded into `EventStanding` after."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    likes = models.IntegerField(default=0, db_default=0)
    favourites = models.IntegerField(default=0, db_default=0)
    stars_1 = models.IntegerField(default=0, db_default=0)
    stars_2 = models.IntegerField(default=0, db_default=0)
    stars_3 = models.IntegerField(default=0, db_default=0)
    stars_4 = models.IntegerField(default=0, db_default=0)
    stars_5 = models.IntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.event_id}"


class EventTag(models.Model):
    """A tag on an event. A table of its own so that its constraints have short names (citus.md, rule 7)."""

    event = models.ForeignKey(Event, models.CASCADE)
    tag = models.ForeignKey(Tag, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "tag"], name="event_tag_once")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.tag_id}"


class EventMedia(StoredPicture):
    """A picture of an event."""

    folder = "events"

    event = models.ForeignKey(Event, models.CASCADE, related_name="media")

    class Meta(StoredPicture.Meta):
        db_table = "events_media"
        constraints = [
            models.UniqueConstraint(fields=["event"], condition=Q(is_lead=True), name="event_media_one_leads")
        ]


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


class EventSeries(Stamped):
    """Dates that belong together: one set-up, and a rule by which it comes again.

    The rule is local time on the clock of the zone, so that 19:30 stays 19:30 through the change to summer time.
    """

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(_("title"), max_length=200)
    # A draft that is never sold: what it says, sells and asks is copied to each date.
    template = models.OneToOneField(Event, models.PROTECT, related_name="template_of")
    timezone = models.CharField(_("time zone"), max_length=63, validators=[validate_zone])
    # RFC 5545 without DTSTART, which is the template's start: "FREQ=WEEKLY;BYDAY=FR;COUNT=10". Empty: only `rdates`.
    rule = models.CharField(_("rule"), max_length=500, blank=True)
    # Local times, "2027-05-31T19:30": added to what the rule gives, and left out of it.
    rdates = ArrayField(models.CharField(max_length=25), default=list, db_default=[])
    exdates = ArrayField(models.CharField(max_length=25), default=list, db_default=[])

    class Meta:
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title


class ProgramItem(Stamped):
    """One point of an event's programme."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="program")
    title = models.CharField(_("title"), max_length=200)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    speaker = models.CharField(_("speaker"), max_length=150, blank=True)
    room = models.CharField(_("room"), max_length=100, blank=True)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(starts_at__isnull=False, ends_at__gte=F("starts_at")),
                name="program_item_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return self.title


class BringItem(Stamped):
    """Something to bring along: 2 kg of clay, a rain jacket. The "ingredients" of older systems."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="bring")
    name = models.CharField(_("what"), max_length=150)
    amount = models.DecimalField(_("how much"), max_digits=9, decimal_places=3, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=30, blank=True)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.CheckConstraint(condition=Q(amount__isnull=True) | Q(amount__gt=0), name="bring_amount")]

    def __str__(self) -> str:
        return self.name


class Question(Stamped):
    """What each attendee of an event is asked when ordering."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        CHOICE = "choice", _("One of several")
        MULTIPLE = "multiple", _("Several of several")
        NUMBER = "number", _("Number")
        YES_NO = "yes_no", _("Yes or no")

    event = models.ForeignKey(Event, models.CASCADE, related_name="questions")
    text = models.CharField(_("question"), max_length=300)
    help = models.CharField(_("hint"), max_length=300, blank=True)
    kind = models.CharField(_("kind of answer"), max_length=8, choices=Kind.choices, default=Kind.TEXT)
    choices = ArrayField(models.CharField(max_length=150), default=list, blank=True, db_default=[])
    required = models.BooleanField(_("must be answered"), default=False)
    # Whom it is asked: attendees with these ticket types, by id; empty means all. No keys: tickets stand above events.
    ticket_types = ArrayField(models.BigIntegerField(), default=list, blank=True, db_default=[])
    # Whether the answer is told to people at the door when the ticket is scanned.
    at_door = models.BooleanField(_("tell the answer at the door"), default=False, db_default=False)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.text
