"""What is told about leaving: archives, pauses, closing, certificates."""

from typing import Any

from rest_framework import serializers

from api.fields import UtcField
from shared_apps.departures.models import Erasure, TenantExport
from tenants.links import platform_url
from tenants.models import Tenant


class TenantExportSerializer(serializers.ModelSerializer[TenantExport]):
    """An archive and how far it is: `done` of `total` parts."""

    created_at = UtcField(read_only=True)
    finished_at = UtcField(read_only=True)
    expires_at = UtcField(read_only=True)
    archive = serializers.SerializerMethodField()

    class Meta:
        model = TenantExport
        fields = read_only_fields = [
            "id", "status", "done", "total", "doing", "error", "size_bytes", "sha256", "created_at", "finished_at",
            "expires_at", "archive",
        ]  # fmt: skip

    def get_archive(self, export: TenantExport) -> str | None:
        """Where it can be taken, once it is ready."""
        if export.status != TenantExport.Status.READY:
            return None
        return platform_url(f"/api/v1/tenants/{export.tenant.slug}/exports/{export.pk}/archive/")


class StandingSerializer(serializers.ModelSerializer[Tenant]):
    """Whether a site serves, why not, and until when it may come back."""

    suspensions = serializers.SerializerMethodField()
    suspended_at = UtcField(read_only=True)
    closes_at = UtcField(read_only=True)

    class Meta:
        model = Tenant
        fields = read_only_fields = ["slug", "status", "suspended_at", "suspensions", "closes_at"]

    def get_suspensions(self, tenant: Tenant) -> list[dict[str, str]]:
        """Each cause that stands, with since when and why."""
        return [{"cause": cause, "at": each["at"], "reason": each["reason"]} for cause, each in
                sorted(tenant.suspensions.items())]  # fmt: skip


class PauseInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class CloseInput(serializers.Serializer[Any]):
    """Proof of who asks, and of which site is meant."""

    password = serializers.CharField(max_length=128, trim_whitespace=False)
    slug = serializers.CharField(max_length=63, help_text="The site's own slug, typed once more.")
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class TenantErasureSerializer(serializers.ModelSerializer[Erasure]):
    """How far an erasure is; its certificate at the end, with what proves that we wrote it."""

    status = serializers.SerializerMethodField()
    created_at = UtcField(read_only=True)
    finished_at = UtcField(read_only=True)

    class Meta:
        model = Erasure
        fields = read_only_fields = [
            "id", "slug", "status", "created_at", "finished_at", "steps", "certificate", "signature",
        ]  # fmt: skip

    def get_status(self, erasure: Erasure) -> str:
        return "running" if erasure.finished_at is None else "done"
