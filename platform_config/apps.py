"""The wiring as an app of Django's, so that it can bring commands and checks. It has no tables."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "platform_config"
    label = "platform_config"
    verbose_name = "Foyer"

    def ready(self) -> None:
        from platform_config import checks, checkup, observability, tenant_log  # checks and checkup register themselves

        assert checks is not None and checkup is not None
        observability.configure_sentry()
        observability.bind_tasks()
        tenant_log.connect()
