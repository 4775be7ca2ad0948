"""Logs and Sentry: tagged with request, tenant and user id; never a secret, a body or a mail address (P7)."""

import logging
import logging.config
import re
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog
from django.conf import settings
from django.core.signals import request_finished
from django.db import connection
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject, empty
from django_structlog.middlewares import RequestMiddleware

from shared_apps.core.addresses import client_address

_SANE_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
_SECRET_NAME = re.compile(
    r"pass|secret|token|authoriz|cookie|csrf|session|api.?key|signature|card|cvc|iban|otp", re.IGNORECASE
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
# /orders/<code>/<secret>/ of the storefront: whoever holds the secret opens the order.
_ORDER_SECRET = re.compile(r"(/orders/[^/\s]+/)[A-Za-z0-9_-]{20,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
HIDDEN = "[hidden]"


# --- The request's name ---------------------------------------------------------------------------------------------


class RequestIdMiddleware:
    """Gives every request a name that the answer, the logs and the audit trail carry.

    A name that came with the request is kept if it is a sane one, so that a gateway's log and ours can be joined.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # read wherever the request goes
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, address=client_address(request))
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class RequestLogMiddleware(RequestMiddleware):
    """One line for each request, with who it was if somebody asked who it was."""

    def prepare(self, request: HttpRequest) -> None:
        """Say nothing yet: the request already has its name, and one line at its end is enough."""

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Bind the signed-in person's id, without reading them from the database only for the log's sake."""
        user = request.__dict__.get("user")
        if isinstance(user, SimpleLazyObject) and user._wrapped is empty:
            return
        user_id = getattr(user, "pk", None)
        if user_id is not None:
            structlog.contextvars.bind_contextvars(user_id=user_id)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """The method and the path, without the query: an order's secret may be in it."""
        return f"{request.method} {request.path}"


@receiver(request_finished)
def _forget_the_request(**kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()


# --- Logs ------------------------------------------------------------------------------------------------------------


def configure_logging(options: Mapping[str, str]) -> None:
    """Log to standard error, a JSON object a line. Django calls it with settings.LOGGING when it starts."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        add_tenant,
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        clean,
                        structlog.processors.JSONRenderer(ensure_ascii=False),
                    ],
                }
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "json"},
                # What of it concerns a tenant is noted in the tenant's own log as well.
                "tenant": {"()": "platform_config.tenant_log.TenantLogHandler", "level": "WARNING"},
            },
            "root": {"handlers": ["stderr", "tenant"], "level": options["level"]},
            "loggers": {
                # RequestLogMiddleware writes each request once, with the traceback of a fault.
                "django": {"handlers": [], "propagate": True, "level": "INFO"},
                "django.request": {"handlers": [], "propagate": True, "level": "CRITICAL"},
                "django.server": {"handlers": [], "propagate": True, "level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def add_tenant(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the schema that the code runs in."""
    schema = getattr(connection, "schema_name", "public")
    if schema != "public":
        event.setdefault("tenant", schema)
    return event


def clean(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what must not be in a log, and keep every entry on its line."""
    for name, value in list(event.items()):
        event[name] = HIDDEN if _SECRET_NAME.search(name) else scrub(value, keep_lines=name == "exception")
    return event


def scrub(value: Any, *, keep_lines: bool = False) -> Any:
    """Return the value without mail addresses, tokens, order secrets and control characters."""
    if isinstance(value, str):
        value = _EMAIL.sub("[email]", _JWT.sub("[token]", _ORDER_SECRET.sub(rf"\1{HIDDEN}", value)))
        return value if keep_lines else _CONTROL.sub(" ", value)
    if isinstance(value, dict):
        return {
            scrub(str(name)): HIDDEN if _SECRET_NAME.search(str(name)) else scrub(each) for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrub(each) for each in value]
    return value


# --- Sentry ----------------------------------------------------------------------------------------------------------


def configure_sentry() -> None:
    """Report faults to Sentry if SENTRY_DSN is set."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        before_send=before_send,
        before_send_transaction=before_send,
        before_breadcrumb=before_breadcrumb,
    )


def before_send(event: Any, hint: Any) -> Any:
    """Tag the event with tenant and request, and take out whatever could name a person or open a door."""
    bound = structlog.contextvars.get_contextvars()
    tags = event.setdefault("tags", {})
    tags["tenant"] = getattr(connection, "schema_name", "public")
    if "request_id" in bound:
        tags["request_id"] = bound["request_id"]
    request = event.get("request") or {}
    for part in ("cookies", "headers", "data", "env", "query_string"):
        request.pop(part, None)
    if "url" in request:
        request["url"] = scrub(str(request["url"]).partition("?")[0])
    user = event.get("user") or {}
    event["user"] = {"id": user["id"]} if user.get("id") is not None else {}
    for part in ("message", "logentry", "exception", "extra", "breadcrumbs", "contexts", "transaction", "spans"):
        if part in event:
            event[part] = scrub(event[part], keep_lines=True)
    return event


def before_breadcrumb(crumb: Any, hint: Any) -> Any:
    """SQL and outgoing calls are kept by kind; their texts hold values."""
    if crumb.get("category") in ("query", "httplib"):
        crumb.pop("data", None)
        crumb.pop("message", None)
    return scrub(crumb)


# --- Background work -------------------------------------------------------------------------------------------------


_HEADER = "foyer_request_id"


def bind_tasks() -> None:
    """Let each task's log lines carry its id, its tenant and the request that it follows from."""
    from celery.signals import before_task_publish, task_postrun, task_prerun

    before_task_publish.connect(_name_the_request, weak=False, dispatch_uid="foyer.logs.publish")
    task_prerun.connect(_bind_task, weak=False, dispatch_uid="foyer.logs.prerun")
    task_postrun.connect(_unbind_task, weak=False, dispatch_uid="foyer.logs.postrun")


def _name_the_request(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if headers is not None and request_id:
        headers[_HEADER] = request_id


def _bind_task(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
    request = getattr(task, "request", None)
    bound = {
        "task_id": task_id,
        "task": getattr(task, "name", ""),
        "request_id": getattr(request, _HEADER, None) or (getattr(request, "headers", None) or {}).get(_HEADER),
    }
    structlog.contextvars.bind_contextvars(**{name: value for name, value in bound.items() if value})


def _unbind_task(**kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
