"""A tenant as its owner sees it from outside."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from api.fields import UtcField
from shared_apps.billing import plans
from shared_apps.people.models import PlatformText
from tenants.models import Tenant


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    """What is told about a tenant of one's own."""

    host = serializers.SerializerMethodField()
    created_at = UtcField(read_only=True)

    class Meta:
        model = Tenant
        fields = read_only_fields = [
            "slug",
            "name",
            "kind",
            "status",
            "host",
            "currency",
            "timezone",
            "language",
            "created_at",
        ]

    def get_host(self, tenant: Tenant) -> str:
        known = getattr(tenant, "primary_host", None)
        return known or f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"


class OpenTenantInput(serializers.Serializer[Any]):
    """What a new tenant starts with. Which slugs can be had, provisioning decides (N5)."""

    name = serializers.CharField(max_length=120)
    slug = serializers.CharField(max_length=63)
    kind = serializers.ChoiceField(choices=Tenant.Kind.choices, default=Tenant.Kind.ORGANIZER)
    currency = serializers.CharField(max_length=3, min_length=3, default="EUR")
    timezone = serializers.CharField(max_length=63, default="UTC")
    language = serializers.ChoiceField(choices=settings.LANGUAGES, default="en")
    colour = serializers.RegexField(r"^#[0-9a-fA-F]{6}\Z", required=False)
    tagline = serializers.CharField(max_length=200, required=False, allow_blank=True)
    # The ids of the platform's texts that one agrees to (`GET /legal-texts/`).
    agreed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=50
    )
    plan = serializers.SlugField(
        max_length=40, required=False, help_text="Of `GET plans/`. One that costs something begins at `billing_url`."
    )
    sample_content = serializers.BooleanField(
        default=False,
        help_text="Begin with a few examples; `DELETE sample-content/` on the tenant's host removes them.",
    )

    def validate_plan(self, slug: str) -> str:
        if plans.named(slug) is None:
            raise serializers.ValidationError(_("There is no such plan."), code="does_not_exist")
        return slug


class OpenedSerializer(TenantSerializer):
    """A new tenant. `billing_url` is where its owner goes next: to the card, if the plan asked for costs something."""

    billing_url = serializers.CharField()

    class Meta(TenantSerializer.Meta):
        fields = read_only_fields = [*TenantSerializer.Meta.fields, "billing_url"]


class SlugAnswer(serializers.Serializer[Any]):
    """Whether a slug can be had now. The answer reserves nothing."""

    slug = serializers.CharField()
    available = serializers.BooleanField()
    code = serializers.CharField(
        help_text="Empty, or why not: slug_invalid, slug_reserved, slug_taken, slug_looks_alike."
    )
    detail = serializers.CharField()
    suggestions = serializers.ListField(child=serializers.CharField(), help_text="Free ones that resemble it.")
    host = serializers.CharField(help_text="Where the tenant would be.")


class PlatformTextSerializer(serializers.ModelSerializer[PlatformText]):
    """One version. Its `id` is what `POST /tenants/` takes in `agreed`."""

    published_at = UtcField(read_only=True)

    class Meta:
        model = PlatformText
        fields = read_only_fields = ["id", "code", "version", "title", "body", "sha256", "published_at"]
