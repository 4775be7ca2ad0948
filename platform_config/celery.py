"""The Celery app. A task is sent with the schema it was called in and runs there (tenant-schemas-celery)."""

import gc
import os
import sys

from celery.signals import beat_init, setup_logging, worker_init, worker_process_init
from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_config.settings.dev")

app = CeleryApp("foyer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_the_web_does(**kwargs: object) -> None:
    """Keep Celery from installing its own handlers: worker and web log alike."""


@worker_init.connect
@beat_init.connect
def wait_for_the_broker(**kwargs: object) -> None:
    """Give a slow RabbitMQ its time: only who serves a request gives up on it within a second."""
    options = app.conf.broker_transport_options or {}
    app.conf.broker_transport_options = {
        name: value for name, value in options.items() if name not in ("read_timeout", "write_timeout")
    }


@worker_process_init.connect
def work_quickly(**kwargs: object) -> None:
    """Let the thread whose answer of the database has come go on after half a millisecond, not after five: it only
    sends the next question, and what the other one reckons waits for nobody. What was imported is no garbage, as in
    wsgi.py."""
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
