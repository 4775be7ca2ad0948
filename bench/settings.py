"""As in development, without the limit that would answer a benchmark with 429."""

import os

from platform_config.settings.dev import *  # noqa: F403  (settings build on settings)
from platform_config.settings.dev import INSTALLED_APPS, MIDDLEWARE, SHARED_APPS, STORAGES

API_RATE_PER_MINUTE = 10**9
LOG_LEVEL = "WARNING"
_mutations = {"claims": "ClaimsWithoutCondition", "tenants": "TenantsThatAreNotLeft"}
if os.environ.get("BENCH_MUTATION") in _mutations:
    _broken = f"bench.mutation.{_mutations[os.environ['BENCH_MUTATION']]}"
    SHARED_APPS = [*SHARED_APPS, _broken]
    INSTALLED_APPS = [*INSTALLED_APPS, _broken]
if os.environ.get("BENCH_FORCED"):
    MIDDLEWARE = ["bench.forced.First", *MIDDLEWARE, "bench.forced.Last"]
    # Pages name their files as they are called here: nothing collected them.
    STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
