"""For the tests: as in development, but quick where nothing is promised about it."""

import os

os.environ.setdefault("DATABASE_URL", "postgres://foyer@127.0.0.1:5432/foyer")

from platform_config.settings.dev import *  # noqa: F403  (settings build on settings)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PLATFORM_PORT = ""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
# A test is one transaction, in which requests may ask no database for long, and a busy machine makes that longer.
DATABASES["default"]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=0"
# A second thread would not see what a test's transaction has written; the test of it says so.
VISIT_HANDS = 1
# One event and the end: a test that wants more says so.
LIVE_STREAM_SECONDS = 1
