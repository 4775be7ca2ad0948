"""Named questions about tenants. Whatever changes rows here makes every process forget what it knew of them."""

from typing import Any

from django.db import models
from django.utils import timezone


class TenantQuerySet(models.QuerySet[Any]):
    """Every read starts in the public schema's one table of tenants, from whichever schema it is asked."""

    def open(self) -> "TenantQuerySet":
        """Tenants that serve people and get jobs (N6)."""
        return self.filter(status="open")

    def unfinished(self) -> "TenantQuerySet":
        """Tenants whose opening was broken off and can be taken up again."""
        return self.filter(status="opening")

    def with_schema(self) -> "TenantQuerySet":
        """Tenants whose schema holds data, whether they serve or not: what is migrated and backed up."""
        return self.filter(status__in=["open", "suspended", "closing"])

    def over(self, now: Any = None) -> "TenantQuerySet":
        """Tenants whose days of grace are over: to be closed for good and erased."""
        return self.filter(status="closing", closes_at__lte=now or timezone.now())

    def with_host(self) -> "TenantQuerySet":
        """Adds `primary_host`, the stored host that links use (N1)."""
        from tenants.models import Domain

        primary = Domain.objects.filter(tenant=models.OuterRef("pk"), is_primary=True, verified_at__isnull=False)
        return self.annotate(primary_host=models.Subquery(primary.values("domain")[:1]))

    def update(self, **values: Any) -> int:
        from tenants import lookup

        changed = super().update(**values)
        lookup.forget()
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        from tenants import lookup

        deleted = super().delete()
        lookup.forget()
        return deleted


class DomainQuerySet(models.QuerySet[Any]):
    """Hosts that lead to tenants."""

    def proved(self) -> "DomainQuerySet":
        """Those that lead anywhere (N5)."""
        return self.filter(verified_at__isnull=False)

    def update(self, **values: Any) -> int:
        from tenants import lookup

        changed = super().update(**values)
        lookup.forget()
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        from tenants import lookup

        deleted = super().delete()
        lookup.forget()
        return deleted
