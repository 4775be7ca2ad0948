from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Tenants")

    def ready(self) -> None:
        from tenants import backup_tasks, checkup, heartbeats  # noqa: F401  (register themselves: checks and tasks)
