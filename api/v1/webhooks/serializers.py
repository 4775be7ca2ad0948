"""The shapes of webhooks: what may be sent, and what is documented of the answers."""

from typing import Any

from rest_framework import serializers

from api.fields import PlainTextField
from tenant_apps.webhooks.models import WebhookDelivery
from tenant_apps.webhooks.services import LONGEST_URL


class WebhookInput(serializers.Serializer[Any]):
    url = serializers.CharField(
        max_length=LONGEST_URL, help_text="https, the usual port, on the public internet, no name and password in it."
    )
    topics = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=200, help_text='Names of topics, or only "*".'
    )
    description = PlainTextField(max_length=100, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)


class WebhookSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    topics = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    disabled_because = serializers.CharField(allow_null=True, help_text="staff, gone (it answered 410) or failing.")
    disabled_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(help_text="Tries in a row that failed.")
    failing_since = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(allow_null=True, help_text="Until then both secrets are live.")
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()


class MadeWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="Shown this once.")


class RotateInput(serializers.Serializer[Any]):
    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=168, required=False, help_text="How long the old secret stays live: 24 if left out."
    )


class ReplaySinceInput(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="At most 30 days ago.")
    failed_only = serializers.BooleanField(required=False, help_text="Leave out what arrived or is on its way.")


class ReplayedSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class TopicSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    description = serializers.CharField()


class TrySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    outcome = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    ms = serializers.IntegerField()
    message = serializers.CharField()


class DeliverySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    event = serializers.UUIDField()
    topic = serializers.CharField()
    status = serializers.ChoiceField(choices=WebhookDelivery.Status.values)
    created_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    next_try_at = serializers.DateTimeField(allow_null=True)
    tries = TrySerializer(many=True)
    http_status = serializers.IntegerField(allow_null=True)
    reply_bytes = serializers.IntegerField(allow_null=True)
    body = serializers.DictField()
