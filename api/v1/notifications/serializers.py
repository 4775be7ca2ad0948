"""Shapes of what people are told."""

from typing import Any

from rest_framework import serializers

from api.fields import UtcField
from tenant_apps.notifications.models import Notification


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """One thing that the person was told here. `read_at` is null until it was read."""

    created_at = UtcField(read_only=True)
    read_at = UtcField(read_only=True, allow_null=True)

    class Meta:
        model = Notification
        fields = ["id", "topic", "title", "body", "url", "created_at", "read_at"]
        read_only_fields = fields


class UnreadSerializer(serializers.Serializer[Any]):
    """How many are unread; 100 stands for 100 and more."""

    unread = serializers.IntegerField()


class WordsSerializer(serializers.Serializer[Any]):
    """Plain text with `{placeholders}` of the topic. `short` may be empty: then the title is sent."""

    title = serializers.CharField(max_length=20_000, trim_whitespace=False)
    body = serializers.CharField(max_length=20_000, trim_whitespace=False)
    short = serializers.CharField(
        max_length=20_000, trim_whitespace=False, required=False, allow_blank=True, default=""
    )


class TemplateSerializer(serializers.Serializer[Any]):
    """The words that hold for a topic in one language. `edited`: they are the tenant's own."""

    topic = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name hides DRF's own attribute
    language = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
    short = serializers.CharField()
    edited = serializers.BooleanField()
    placeholders = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.CharField())


class SenderSerializer(serializers.Serializer[Any]):
    """Who mail is from. The password goes in and never comes out."""

    name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    reply_to = serializers.CharField(max_length=254, required=False, allow_blank=True)
    address = serializers.CharField(max_length=254, required=False, allow_blank=True)
    dkim_selector = serializers.CharField(max_length=63, required=False, allow_blank=True)
    host = serializers.CharField(max_length=253, required=False, allow_blank=True)
    port = serializers.IntegerField(required=False)
    username = serializers.CharField(max_length=254, required=False, allow_blank=True)
    password = serializers.CharField(
        max_length=500, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )


class SenderStateSerializer(SenderSerializer):
    """With how it goes: `problem` says in words what the server last refused."""

    has_password = serializers.BooleanField()
    proven_at = UtcField(allow_null=True)
    problem = serializers.CharField()
    failing_since = UtcField(allow_null=True)
    worked_at = UtcField(allow_null=True)
    waiting_mails = serializers.IntegerField()


class RecordSerializer(serializers.Serializer[Any]):
    """A record to set in DNS. `state` after a check: good, missing, wrong, unknown (nobody answered)."""

    kind = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    value = serializers.CharField()
    why = serializers.CharField()
    must = serializers.BooleanField()
    state = serializers.CharField(allow_null=True)
    found = serializers.CharField()
