"""The plainest Django there is: no middleware, no apps, Django's own Postgres backend with lasting connections."""

import os
from typing import Any

from platform_config import env

SECRET_KEY = "bench" * 10
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.plain_urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **env.database(os.environ["DATABASE_URL"]),
        "CONN_MAX_AGE": 300,
    }
}
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "options": f"-c search_path={os.environ.get('BENCH_SCHEMA', 'public')}",
}
LOGGING_CONFIG = None
