"""The shapes of pictures, the same for whatever they are pictures of."""

from typing import Any

from rest_framework import serializers

from api.fields import PlainTextField
from shared_apps.core.pictures import LONGEST_ALT, MOST_PICTURES, TYPES


class PictureInput(serializers.Serializer[Any]):
    """`image` is JPEG, PNG or WebP by its content, at most 5 MB and 25 megapixels; `alt` says what it shows."""

    image = serializers.FileField()
    alt = PlainTextField(max_length=LONGEST_ALT)


class PictureChanges(serializers.Serializer[Any]):
    """`position` counts from 0. `lead` true lets this one lead; the one that did stops."""

    alt = PlainTextField(max_length=LONGEST_ALT, required=False)
    position = serializers.IntegerField(min_value=0, max_value=MOST_PICTURES, required=False)
    lead = serializers.BooleanField(required=False)


class SourceSerializer(serializers.Serializer[Any]):
    """One file of a picture."""

    type = serializers.ChoiceField(choices=sorted(TYPES.values()))
    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class PictureSerializer(serializers.Serializer[Any]):
    """A picture in several sizes. Addresses are paths on the tenant's host; `url` is the largest JPEG."""

    id = serializers.IntegerField()
    alt = serializers.CharField()
    lead = serializers.BooleanField()
    position = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    url = serializers.CharField()
    sources = SourceSerializer(many=True)
