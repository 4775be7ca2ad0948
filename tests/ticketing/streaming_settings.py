"""As for the tests, with streams as long as in production."""

from platform_config.settings.base import LIVE_STREAM_SECONDS as AS_ALWAYS
from platform_config.settings.test import *  # noqa: F403  (settings build on settings)

LIVE_STREAM_SECONDS = AS_ALWAYS
