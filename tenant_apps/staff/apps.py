from typing import Any
from urllib.parse import urlencode

from django.apps import AppConfig
from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "tenant_apps.staff"
    label = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        from shared_apps.core.access import register_gate
        from tenant_apps.staff import key_history, owner_row, personal, usage  # noqa: F401  (subscribes; says what is held about people; counts)
        from tenants.signals import tenant_provisioned

        register_gate(_admit)
        tenant_provisioned.connect(_seed, dispatch_uid="staff.seed")


def _seed(sender: Any, *, tenant: Any, owner: Any = None, **kwargs: Any) -> None:
    from tenant_apps.staff.services import seed

    seed(tenant, owner)


def _admit(request: Any, permissions: tuple[str, ...]) -> Any:
    """Staff whom the tenant asks for two-step login are led to where it is set up, and back here."""
    from tenant_apps.staff.errors import SecondFactorRequired
    from tenant_apps.staff.permissions import admit

    try:
        admit(request.user, permissions)
    except SecondFactorRequired as refusal:
        if request.method not in ("GET", "HEAD"):
            raise
        messages.info(request, str(refusal))
        return redirect(f"{reverse('account:totp')}?{urlencode({'next': request.get_full_path()})}")
    return None
