"""Typed readers for environment variables and secret files.

Every setting that a deployment may change is read here, so that a wrong value ends in one sentence that
names the variable. A variable `NAME` may also be given as a file through `NAME_FILE` (Docker, Kubernetes).
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def home() -> Path:
    """The folder that the embedded servers and development mail live in: `FOYER_HOME`, by default `var/`."""
    return Path(os.environ.get("FOYER_HOME") or ROOT / "var")


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or the text of the file that NAME_FILE points at, or the default.

    Raises ImproperlyConfigured if it has none of them.
    """
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from None
    value = os.environ.get(name)
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE.")
    return default


def flag(name: str, default: bool = False) -> bool:
    """Return the variable as a truth value: 1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def number(name: str, default: int) -> int:
    """Return the variable as a whole number."""
    value = os.environ.get(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    """Return the variable as a list, parted by commas; empty parts are left out."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def load_runtime() -> None:
    """Take what `make run` wrote about its servers for every variable that is not set.

    So `manage.py` in another terminal works against the running product.
    """
    path = home() / "runtime.env"
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip())


def database(url: str) -> dict[str, object]:
    """Return Django's settings for `postgres://user:password@host:port/name?option=value`.

    The host may be a folder with a socket, given as `?host=/run/postgresql`. Raises ImproperlyConfigured
    for anything that is no Postgres address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}.") from None
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgres", "postgresql") or not name:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host:5432/name; "
            f"scheme {parts.scheme!r} with database {name!r} does not."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def identity_providers() -> list[dict[str, object]]:
    """Return who people may sign in through, as allauth's OpenID Connect apps; none is the default.

    `OIDC_PROVIDERS` is a JSON list of `{"id", "name", "issuer", "client_id", "client_secret"}`; Google needs only
    `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`. Raises ImproperlyConfigured for anything else.
    """
    try:
        given = json.loads(text("OIDC_PROVIDERS", "[]"))
        wanted = [{key: str(one[key]) for key in _PROVIDER_KEYS} for one in given]
    except (ValueError, TypeError, KeyError):
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS must be a JSON list of objects with {', '.join(_PROVIDER_KEYS)}."
        ) from None
    if google := text("GOOGLE_CLIENT_ID", ""):
        secret = text("GOOGLE_CLIENT_SECRET")
        google_app = ("google", "Google", "https://accounts.google.com", google, secret)
        wanted.insert(0, dict(zip(_PROVIDER_KEYS, google_app, strict=True)))
    for one in wanted:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,29}", one["id"]):
            raise ImproperlyConfigured(f"OIDC_PROVIDERS: {one['id']!r} must be of small letters, digits and dashes.")
        if not one["issuer"].startswith("https://") and urlsplit(one["issuer"]).hostname not in (
            "localhost",
            "127.0.0.1",
        ):
            raise ImproperlyConfigured(f"OIDC_PROVIDERS: the issuer of {one['id']} must start with https://.")
    if len({one["id"] for one in wanted}) < len(wanted):
        raise ImproperlyConfigured("OIDC_PROVIDERS names a provider twice.")
    return [
        {
            "provider_id": one["id"],
            "name": one["name"],
            "client_id": one["client_id"],
            "secret": one["client_secret"],
            "settings": {"server_url": one["issuer"].rstrip("/")},
        }
        for one in wanted
    ]


_PROVIDER_KEYS = ("id", "name", "issuer", "client_id", "client_secret")

_MAIL_BACKENDS: Mapping[str, str] = {
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
    "smtps": "django.core.mail.backends.smtp.EmailBackend",
    "smtp+tls": "django.core.mail.backends.smtp.EmailBackend",
    "console": "django.core.mail.backends.console.EmailBackend",
    "memory": "django.core.mail.backends.locmem.EmailBackend",
    "file": "platform_config.mail.EmlFileBackend",
}


def email(url: str) -> dict[str, object]:
    """Return Django's EMAIL_* settings for `smtp+tls://user:password@host:587`, `file:///folder` and so on."""
    parts = urlsplit(url)
    backend = _MAIL_BACKENDS.get(parts.scheme)
    if backend is None:
        raise ImproperlyConfigured(
            f"EMAIL_URL must start with one of {', '.join(_MAIL_BACKENDS)}, not {parts.scheme!r}."
        )
    settings: dict[str, object] = {"EMAIL_BACKEND": backend}
    if parts.scheme == "file":
        settings["EMAIL_FILE_PATH"] = unquote(parts.path)
    elif parts.scheme.startswith("smtp"):
        settings |= {
            "EMAIL_HOST": parts.hostname or "localhost",
            "EMAIL_PORT": parts.port or {"smtps": 465, "smtp+tls": 587}.get(parts.scheme, 25),
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_SSL": parts.scheme == "smtps",
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_TIMEOUT": 10,
        }
    return settings


# A request that leaves a hint at a broker that hangs or is gone waits so long, then goes on: outbox and sweep remain.
_BROKER_PATIENCE_SECONDS = 1
# Whoever only leaves a task tries to connect for so long. (kombu's own 6 s would hold every request up that records
# something; workers and beat wait for their broker in any case.)
_CONNECTING = {"connect_retries_timeout": 1, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}


def broker(url: str) -> dict[str, object]:
    """Return Celery's CELERY_BROKER_* settings for `redis://…` (Valkey or Redis) or `amqp://…` (RabbitMQ).

    With both, a task of a worker that was killed is given to another, and a worker takes from its queues in turn, or
    by lot (RabbitMQ): none keeps another waiting for its backlog. No queue has arguments: those of a queue that
    exists cannot be changed.
    """
    if urlsplit(url).scheme.startswith("amqp"):
        return {
            "CELERY_BROKER_TRANSPORT_OPTIONS": {
                # Without it a task that the broker could not take is lost without a word.
                "confirm_publish": True,
                # For the broker's answer to one frame, confirmations too. (A worker that has nothing to do waits for
                # the socket, not in it.) Confirmation, channel and connection are given up one after the other.
                "read_timeout": _BROKER_PATIENCE_SECONDS,
                "write_timeout": _BROKER_PATIENCE_SECONDS,
                **_CONNECTING,
            },
            "CELERY_BROKER_CONNECTION_TIMEOUT": 2 * _BROKER_PATIENCE_SECONDS,
            # Who is gone without closing its connection gives its tasks back after two beats that were missed; there
            # is no visibility timeout. (RabbitMQ itself takes back what is held for 30 minutes; tasks end at 5.)
            "CELERY_BROKER_HEARTBEAT": 10,
            # Whatever is sent follows from rows and is sent again by a sweep (G3): RabbitMQ need not write it to disk.
            "CELERY_TASK_DEFAULT_DELIVERY_MODE": "transient",
        }
    return {
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            # kombu's defaults give a killed worker's task back after an hour and more. The longest task must stay below
            # the visibility timeout, or it runs twice.
            "visibility_timeout": 60,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": _BROKER_PATIENCE_SECONDS,
            "socket_timeout": _BROKER_PATIENCE_SECONDS,
            **_CONNECTING,
        },
    }
