"""In production. Whatever is unsafe or missing stops the start with one sentence (P4)."""

from django.core.exceptions import ImproperlyConfigured

from platform_config import env
from platform_config.settings.base import *  # noqa: F403  (settings build on settings)

DEBUG = False
SECRET_KEY = env.text("SECRET_KEY")
PLATFORM_DOMAIN = env.text("PLATFORM_DOMAIN")
ALLOWED_HOSTS = [PLATFORM_DOMAIN, f".{PLATFORM_DOMAIN}", *env.words("ALLOWED_HOSTS")]

SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if env.flag("BEHIND_PROXY"):
    # N1: the scheme is taken from the proxy only where one is declared; the host never is.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^certificates/ask$"]

globals().update(env.email(env.text("EMAIL_URL")))

for required in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL"):
    env.text(required)
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10 or SECRET_KEY.startswith("development-only"):
    raise ImproperlyConfigured("SECRET_KEY must be at least 50 random characters, and not the one of development.")
if "*" in ALLOWED_HOSTS or any(host.strip(".") in ("", "localhost") for host in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS and PLATFORM_DOMAIN must name real hosts, without wildcards for all.")
if any(not str(app["settings"]["server_url"]).startswith("https://") for app in env.identity_providers()):  # type: ignore[index]  # settings is an object, as env has checked
    raise ImproperlyConfigured("Every issuer in OIDC_PROVIDERS must start with https:// in production.")
if env.flag("DEBUG"):
    raise ImproperlyConfigured("DEBUG must not be set in production.")
if env.text("FAULT_POINTS", ""):
    raise ImproperlyConfigured("FAULT_POINTS is for tests and must not be set in production.")
if env.words("OUTGOING_OWN_SERVERS"):
    raise ImproperlyConfigured("OUTGOING_OWN_SERVERS is for development and must not be set in production.")
if SMS_API_BASE and not SMS_API_BASE.startswith("https://"):
    raise ImproperlyConfigured("SMS_API_BASE must start with https:// in production.")
