"""Shapes of what people like, keep in mind and follow."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from tenant_apps.customers.errors import OneThing

WIDEST_ID = 2**63 - 1


class LikedSerializer(serializers.Serializer[Any]):
    """Whether the caller likes it now, and how many people do."""

    liked = serializers.BooleanField()
    likes = serializers.IntegerField()


class OlderLikeInput(serializers.Serializer[Any]):
    event_id = serializers.IntegerField(min_value=1, max_value=WIDEST_ID)


class FavouriteInput(serializers.Serializer[Any]):
    """An event or a product, by slug or id; `event_id` and `product_id` are for older clients."""

    event = serializers.CharField(max_length=100, required=False)
    product = serializers.CharField(max_length=100, required=False)
    event_id = serializers.IntegerField(min_value=1, max_value=WIDEST_ID, required=False)
    product_id = serializers.IntegerField(min_value=1, max_value=WIDEST_ID, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(str(OneThing.message), code=OneThing.code)
        return attrs


class FavouriteEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    venue = serializers.CharField(allow_null=True, help_text="The venue's name.")


class FavouriteProductSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()


class FavouriteSerializer(serializers.Serializer[Any]):
    """An event or a product that the caller keeps in mind, with its price and state as they are now.

    `status` of an event is the event's; of a product `available`, `sold_out` or `withdrawn`.
    """

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(["event", "product"])
    event = FavouriteEventSerializer(allow_null=True)
    product = FavouriteProductSerializer(allow_null=True)
    status = serializers.CharField()
    price = serializers.CharField(allow_null=True, help_text="The least that it costs; null where nothing is on sale.")
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()


class FollowInput(serializers.Serializer[Any]):
    """Nothing for the organizer itself, or the slug of a series."""

    series = serializers.SlugField(max_length=80, required=False, help_text=_("A series; else the organizer itself."))


class FollowedSeriesSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()


class FollowSerializer(serializers.Serializer[Any]):
    """Whether the caller follows the organizer, how many people do, and which series the caller follows."""

    following = serializers.BooleanField()
    followers = serializers.IntegerField()
    series = FollowedSeriesSerializer(many=True)


class SeriesFollowersSerializer(FollowedSeriesSerializer):
    followers = serializers.IntegerField()


class FollowersSerializer(serializers.Serializer[Any]):
    """Numbers only: who they are is nobody's business."""

    followers = serializers.IntegerField()
    series = SeriesFollowersSerializer(many=True)
