"""The shapes of staff, roles and grants."""

from typing import Any

from rest_framework import serializers

from api.v1.events.fields import row_id
from tenant_apps.staff.presets import EVENT_PERMISSIONS


class RoleSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    preset = serializers.CharField(help_text="The ready-made role that it was; empty for one of the tenant's own.")
    permissions = serializers.ListField(child=serializers.CharField())


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
    permissions = serializers.ListField(
        child=serializers.ChoiceField(sorted(EVENT_PERMISSIONS)), allow_empty=False, max_length=len(EVENT_PERMISSIONS)
    )
