from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentsConfig(AppConfig):
    name = "tenant_apps.consents"
    label = "consents"
    verbose_name = _("Consents")

    def ready(self) -> None:
        from tenant_apps.consents import texts
        from tenants import restoring

        def follow(restored: Any) -> list[str]:
            """The copy on the tenant's row says what the texts say that came back."""
            texts.follow()
            return []

        restoring.afterwards("legal_texts", follow)
