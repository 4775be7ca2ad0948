"""The shapes of staff, roles and grants."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from api.v1.events.fields import row_id
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PERMISSIONS


def permission_names(names: Any, **options: Any) -> serializers.ListField:
    """A list of permissions by name, each once or more; which of them one may give the service decides."""
    child = serializers.ChoiceField(sorted(names))
    return serializers.ListField(child=child, max_length=2 * len(names), **options)


class RoleSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    preset = serializers.CharField(help_text="The ready-made role that it was; empty for one of the tenant's own.")
    permissions = serializers.ListField(child=serializers.CharField())


class RoleInput(serializers.Serializer[Any]):
    """A role of one's own: its permissions ticked, or those of another role to begin with."""

    name = serializers.CharField(max_length=80)
    permissions = permission_names(PERMISSIONS, required=False)
    copy_of = row_id(required=False, help_text="The id of a role whose permissions it gets, if none are named.")


class RoleChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    permissions = permission_names(PERMISSIONS, required=False)


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    user = PersonSerializer()
    role = serializers.IntegerField()
    role_name = serializers.CharField()
    created_at = serializers.DateTimeField()


class MemberInput(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    role = row_id()


class HandOverInput(serializers.Serializer[Any]):
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    step_down = serializers.BooleanField(default=False, help_text="Whether the caller becomes a manager.")


class InvitationInput(serializers.Serializer[Any]):
    """To the staff with a role, or to one event with permissions on it."""

    email = serializers.EmailField(max_length=254)
    role = row_id(required=False)
    event = serializers.CharField(max_length=80, required=False, help_text="Slug or id.")
    permissions = permission_names(EVENT_PERMISSIONS, required=False, allow_empty=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("role" in attrs) == ("event" in attrs):
            raise serializers.ValidationError({"role": [_("Name either a role or an event.")]}, code="role_or_event")
        if "event" in attrs and "permissions" not in attrs:
            raise serializers.ValidationError({"permissions": [_("Name at least one permission.")]}, code="required")
        if "role" in attrs and "permissions" in attrs:
            raise serializers.ValidationError({"permissions": [_("A role has its own permissions.")]}, code="invalid")
        return attrs


class InvitationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    state = serializers.ChoiceField(["pending", "accepted", "revoked", "expired"])
    role = serializers.IntegerField(allow_null=True)
    role_name = serializers.CharField(allow_null=True)
    event = serializers.CharField(allow_null=True, help_text="The event's slug.")
    permissions = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class AcceptInput(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100)


class AcceptedSerializer(serializers.Serializer[Any]):
    """What was given: a role on the staff, or permissions on one event."""

    role = serializers.IntegerField(allow_null=True)
    role_name = serializers.CharField(allow_null=True)
    event = serializers.CharField(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField())


class ApiKeySerializer(serializers.Serializer[Any]):
    """An API key without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The part of the key by which you tell it from others.")
    scopes = serializers.ListField(child=serializers.CharField())
    events = serializers.ListField(child=serializers.CharField(), allow_null=True, help_text="Slugs; null for all.")
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    created_at = serializers.DateTimeField()
    created_by = PersonSerializer()


class MadeApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(help_text="Shown this once.")


class ApiKeyInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    scopes = permission_names(PERMISSIONS, allow_empty=False)
    events = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        allow_null=True,
        allow_empty=False,
        max_length=200,
        help_text="Slugs or ids of the events that it is limited to.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class RoleChoiceInput(serializers.Serializer[Any]):
    role = row_id()


class GrantSerializer(serializers.Serializer[Any]):
    """What one person was granted on one event; `id` is the person's."""

    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())


class GrantInput(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    permissions = permission_names(EVENT_PERMISSIONS, allow_empty=False)
