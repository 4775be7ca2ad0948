from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImportsConfig(AppConfig):
    name = "tenant_apps.imports"
    label = "imports"
    verbose_name = _("Imports")

    def ready(self) -> None:
        from tenant_apps.imports import archive, personal, subscribers  # noqa: F401  (register themselves)
