"""As in development, without the limit that would answer a benchmark with 429."""

import os

from platform_config.settings.dev import *  # noqa: F403  (settings build on settings)
from platform_config.settings.dev import INSTALLED_APPS, SHARED_APPS

API_RATE_PER_MINUTE = 10**9
LOG_LEVEL = "WARNING"
if os.environ.get("BENCH_MUTATION") == "claims":
    SHARED_APPS = [*SHARED_APPS, "bench.mutation.ClaimsWithoutCondition"]
    INSTALLED_APPS = [*INSTALLED_APPS, "bench.mutation.ClaimsWithoutCondition"]
