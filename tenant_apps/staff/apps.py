from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "tenant_apps.staff"
    label = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        from shared_apps.core.access import register_gate
        from tenant_apps.staff import owner_row  # noqa: F401  (subscribes)
        from tenants.signals import tenant_provisioned

        register_gate(_admit)
        tenant_provisioned.connect(_seed, dispatch_uid="staff.seed")


def _seed(sender: Any, *, tenant: Any, owner: Any = None, **kwargs: Any) -> None:
    from tenant_apps.staff.services import seed

    seed(tenant, owner)


def _admit(request: Any, permissions: tuple[str, ...]) -> None:
    from tenant_apps.staff.permissions import admit

    admit(request.user, permissions)
