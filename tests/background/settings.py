"""For the workers and beats that tests start: as in development, but a killed worker's task comes back in seconds."""

import os
from typing import Any

from platform_config.settings.dev import *  # noqa: F403  (settings build on settings)
from platform_config.settings.dev import CELERY_BROKER_TRANSPORT_OPTIONS

_options: dict[str, Any] = {**CELERY_BROKER_TRANSPORT_OPTIONS}
if "visibility_timeout" in _options:
    _options["visibility_timeout"] = int(os.environ.get("TEST_VISIBILITY_TIMEOUT", "4"))
CELERY_BROKER_TRANSPORT_OPTIONS = _options
