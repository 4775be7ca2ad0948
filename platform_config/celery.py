"""The Celery app. A task is sent with the schema it was called in and runs there (tenant-schemas-celery)."""

import os

from celery.signals import setup_logging
from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_config.settings.dev")

app = CeleryApp("foyer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_the_web_does(**kwargs: object) -> None:
    """Keep Celery from installing its own handlers: worker and web log alike."""
