"""What a tenant's owner sees and sends on the platform's host."""

from typing import Any

from rest_framework import serializers

from api.fields import UtcField
from tenant_apps.staff.site_address import FORMER, OWN, SUBDOMAIN
from tenants.models import DomainClaim


class RenameInput(serializers.Serializer[Any]):
    """Another slug. Which can be had, provisioning decides (N5)."""

    slug = serializers.CharField(max_length=63)


class RecordSerializer(serializers.Serializer[Any]):
    """A record to set in DNS. `must`: without it the domain is not the tenant's."""

    type = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()
    why = serializers.CharField()
    must = serializers.BooleanField()


class DomainSerializer(serializers.Serializer[Any]):
    """A host of the tenant's, or one that it has claimed and not proved. `leads`: whether it leads here now.

    `drops_at` is when a domain whose proof is missing is dropped.
    """

    domain = serializers.CharField(source="host")
    kind = serializers.ChoiceField([SUBDOMAIN, OWN, FORMER])
    state = serializers.ChoiceField(DomainClaim.State.choices)
    is_primary = serializers.BooleanField()
    leads = serializers.BooleanField()
    checked_at = UtcField(source="claim.checked_at", default=None)
    proved_at = UtcField(source="claim.proved_at", default=None)
    drops_at = UtcField()
    found = serializers.CharField(source="claim.found", default="")
    records = RecordSerializer(many=True)


class DomainInput(serializers.Serializer[Any]):
    """A domain to be claimed."""

    domain = serializers.CharField(max_length=300)
