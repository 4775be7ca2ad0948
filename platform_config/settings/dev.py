"""On a developer's machine, over plain HTTP, with what `make run` has started."""

from platform_config import env

env.load_runtime()

from platform_config.settings.base import *  # noqa: E402, F403  (the variables must be there before base reads them)

DEBUG = False  # Pages look as in production; tracebacks are in the log of `make run`.
DEVELOPMENT = True
FAULT_POINTS = env.text("FAULT_POINTS", "")
OUTGOING_OWN_SERVERS = env.words("OUTGOING_OWN_SERVERS")
# Good for one machine only; production refuses it (P4).
SECRET_KEY = env.text("SECRET_KEY", "development-only-" + "0" * 48)
ALLOWED_HOSTS = [".localhost", "localhost", "127.0.0.1", "[::1]", *env.words("ALLOWED_HOSTS")]
PLATFORM_SCHEME = "http"
PLATFORM_PORT = env.text("PLATFORM_PORT", f":{env.text('PORT', '8000')}")

# Browsers take `__Host-` and Secure cookies over HTTPS only (I6 allows to relax both here).
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME = "django", "csrf", "language"
ACCESS_COOKIE_NAME, REFRESH_COOKIE_NAME = "session", "refresh"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = False

globals().update(env.email(env.text("EMAIL_URL", f"file://{env.home() / 'mail'}")))
