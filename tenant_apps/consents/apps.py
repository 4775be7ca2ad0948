from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentsConfig(AppConfig):
    name = "tenant_apps.consents"
    label = "consents"
    verbose_name = _("Consents")

    def ready(self) -> None:
        from tenant_apps.consents import texts  # noqa: F401  (subscribes)
