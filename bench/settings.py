"""As in development, without the limit that would answer a benchmark with 429."""

from platform_config.settings.dev import *  # noqa: F403  (settings build on settings)

API_RATE_PER_MINUTE = 10**9
LOG_LEVEL = "WARNING"
