"""Shapes of what a person may ask of the platform about themselves."""

from typing import Any

from rest_framework import serializers

from api.v1.events.serializers import EventSerializer
from api.v1.orders.serializers import OrderSerializer
from api.v1.ticketing.serializers import TicketSerializer
from shared_apps.people.models import DataRequest


class TenantRefSerializer(serializers.Serializer[Any]):
    """At whose site it is."""

    slug = serializers.CharField()
    name = serializers.CharField()
    host = serializers.CharField()


class MyOrderSerializer(OrderSerializer):
    tenant = TenantRefSerializer()


class MyTicketSerializer(TicketSerializer):
    tenant = TenantRefSerializer()


class MyEventSerializer(EventSerializer):
    tenant = TenantRefSerializer()


class FailingStepSerializer(serializers.Serializer[Any]):
    tenant = serializers.CharField(allow_null=True)
    error = serializers.CharField()
    tries = serializers.IntegerField()


class ProgressSerializer(serializers.Serializer[Any]):
    """Steps: one for each tenant and one for the platform. Those that fail are tried again."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    failing = FailingStepSerializer(many=True)


class DataRequestSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(DataRequest.Status.choices)
    progress = ProgressSerializer()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ExportSerializer(DataRequestSerializer):
    """`download_url` once it is ready, for seven days."""

    expires_at = serializers.DateTimeField(allow_null=True)
    download_url = serializers.CharField(allow_null=True)


class ErasureSerializer(DataRequestSerializer):
    """`status_url` opens without signing in: nobody can sign in to an account that ends."""

    status_url = serializers.CharField()
    page_url = serializers.CharField()


class PasswordInput(serializers.Serializer[Any]):
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)


class AvatarInput(serializers.Serializer[Any]):
    image = serializers.FileField()


class AvatarSerializer(serializers.Serializer[Any]):
    avatar = serializers.CharField(allow_null=True)


class WishInput(serializers.Serializer[Any]):
    topic = serializers.CharField(max_length=60)
    channel = serializers.CharField(max_length=10)
    enabled = serializers.BooleanField()


class WishesInput(serializers.Serializer[Any]):
    preferences = serializers.ListField(child=WishInput(), max_length=200)


class WishSerializer(WishInput):
    """`fixed`: part of what was ordered, cannot be switched off."""

    label = serializers.CharField()  # type: ignore[assignment]  # the field of that name, not the serializer's own
    fixed = serializers.BooleanField()


class PhoneInput(serializers.Serializer[Any]):
    """With the country's code, such as +49 30 901820."""

    phone = serializers.CharField(max_length=40)


class PhoneSerializer(serializers.Serializer[Any]):
    phone = serializers.CharField(allow_null=True)


class WishesSerializer(serializers.Serializer[Any]):
    preferences = serializers.ListField(child=WishSerializer())
