"""The questions that are asked about events."""

import math
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import models
from django.db.models import F, FloatField, Func, OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils import timezone

from shared_apps.core.pictures import SHOWN
from shared_apps.core.search import folded_letters, matching, query, words_of
from tenant_apps.staff.permissions import events_granted, permissions_of
from tenant_apps.staff.presets import EVENT_PERMISSIONS

KM_PER_DEGREE = 111.195  # of latitude, on the sphere whose radius is the earth's mean one
PUBLIC = ("published", "postponed", "cancelled", "finished")


class _Haversine(Func):
    """The distance in kilometres between two points given in degrees, on a sphere of the earth's mean radius."""

    # least(1, …): rounding may carry the square root of two opposite points a hair above what asin takes.
    template = (
        "(2 * 6371.0088 * asin(least(1, sqrt(power(sin(radians((%(latitude)s)::float8 - %(to_latitude)s) / 2), 2)"
        " + cos(radians(%(to_latitude)s)) * cos(radians((%(latitude)s)::float8))"
        " * power(sin(radians((%(longitude)s)::float8 - %(to_longitude)s) / 2), 2)))))"
    )
    output_field = FloatField()

    def __init__(self, latitude: str, longitude: str, to_latitude: float, to_longitude: float):
        super().__init__(F(latitude), F(longitude))
        self.to = (float(to_latitude), float(to_longitude))

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        (latitude, one), (longitude, other) = (compiler.compile(each) for each in self.source_expressions)
        numbers = {"to_latitude": f"({self.to[0]!r})", "to_longitude": f"({self.to[1]!r})"}
        return self.template % {"latitude": latitude, "longitude": longitude, **numbers}, [*one, *one, *other]


def _at_places(model: Any, words: list[str]) -> Q:
    """At a venue that has all the words in its name or city."""
    place = Q()
    for word in words:
        place &= Q(name__icontains=word) | Q(city__icontains=word)
    return Q(venue__in=model.venue.field.related_model._default_manager.filter(place))


class EventQuerySet(models.QuerySet[Any]):
    """Named questions about events; they compose."""

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Each with its standing, as `save` does it."""
        rows = super().bulk_create(objs, *args, **kwargs)
        standings: Any = self.model._meta.get_field("standing").related_model
        standings._default_manager.bulk_create(
            [standings(event_id=row.pk) for row in rows if row.pk], batch_size=1000, ignore_conflicts=True
        )
        return rows

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

    def for_sitemap(self) -> Any:
        """Address and last change of what search engines may find, the newest first."""
        return self.public().order_by("-starts_at", "-pk").values_list("slug", "modified_at")

    def matching(self, text: str) -> "EventQuerySet":
        """That have the words in title, summary or description, in any form, or nearly so in the title; or whose
        venue or its city is called so."""
        words = words_of(text)
        if not words:
            return self.none()
        return self.filter(matching(text, fuzzy="letters") | _at_places(self.model, words))

    def worded(self, text: str) -> "EventQuerySet":
        """That have the words as they were typed, in any form: without guesses."""
        asked = query(text)
        if asked is None:
            return self.none()
        return self.filter(Q(search=asked) | _at_places(self.model, words_of(text)))

    def likest(self, text: str) -> Any:
        """The one whose title is most like a text that was written with a typo; None if none is at all like it."""
        folded = folded_letters(text)
        likeness = TrigramWordSimilarity(folded, "letters")
        return self.filter(letters__trigram_word_similar=folded).order_by(likeness.desc(), "pk").first()

    def near(self, latitude: float, longitude: float, radius_km: float) -> "EventQuerySet":
        """At venues within so many kilometres; each with `distance_km`, along the great circle (haversine).

        A box of degrees around the point, which an index answers, leaves few venues to reckon with. Across the
        date line and at the poles the box is the whole circle of longitude.
        """
        north = radius_km / KM_PER_DEGREE
        lowest, highest = latitude - north, latitude + north
        venues = Q(venue__latitude__range=(lowest, highest))
        narrowest = min(math.cos(math.radians(max(-90.0, lowest))), math.cos(math.radians(min(90.0, highest))))
        east = north / narrowest if narrowest > 0.01 else 360.0
        if longitude - east >= -180 and longitude + east <= 180:
            venues &= Q(venue__longitude__range=(longitude - east, longitude + east))
        found = self.filter(venues).annotate(
            distance_km=_Haversine("venue__latitude", "venue__longitude", latitude, longitude)
        )
        return found.filter(distance_km__lte=radius_km)

    def with_standing(self) -> "EventQuerySet":
        """Those that have a standing, which all have: so the join is an inner one, and an index of the standing's can
        give the order."""
        return self.filter(standing__isnull=False)

    def by_rating(self) -> "EventQuerySet":
        """The best first, the unrated last: by the mean as far as it may be believed."""
        return self.with_standing().order_by(F("standing__score").desc(nulls_last=True), "pk")

    def for_show(self) -> "EventQuerySet":
        """With what a page or the API shows beside the event's own columns, in the one statement.

        `tag_list` is a list of `{"slug", "name"}`, `picture_list` of what `pictures.SHOWN` names. The search vector is
        left in the database.
        """
        through = self.model.tags.through._default_manager.filter(event_id=OuterRef("pk")).order_by("tag__name")
        tags = ArraySubquery(through.values(shown=JSONObject(slug=F("tag__slug"), name=F("tag__name"))))
        found = self.select_related("category", "venue", "standing").annotate(tag_list=tags).defer("search", "letters")
        return found.with_pictures()

    def with_pictures(self) -> "EventQuerySet":
        """Each with `picture_list`, in the same statement."""
        media = self.model._meta.get_field("media").related_model._default_manager.filter(event_id=OuterRef("pk"))
        return self.annotate(picture_list=ArraySubquery(media.order_by("position", "pk").values(shown=SHOWN)))
