from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OnboardingConfig(AppConfig):
    name = "tenant_apps.onboarding"
    label = "onboarding"
    verbose_name = _("First steps")

    def ready(self) -> None:
        from tenant_apps.onboarding import letters, tasks  # noqa: F401  (they register their topic and their job)
        from tenants.signals import tenant_provisioned

        # After the staff's first rows: whatever is written here has the owner as its author.
        tenant_provisioned.connect(_begin, dispatch_uid="onboarding.begin")


def _begin(sender: Any, *, tenant: Any, owner: Any = None, **kwargs: Any) -> None:
    from tenant_apps.onboarding import letters, sample

    letters.plan(tenant)
    if tenant.preferences.get(sample.WANTED):
        sample.add(actor=owner)
