"""Logs and reports say what happened, where and for whom, and nothing that opens a door or names a person (P7)."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery import shared_task
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject

from platform_config import observability
from tests.factories import make_user

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF-123"


@pytest.fixture
def log() -> Iterator[Any]:
    """What is logged from here on, parsed."""
    handler = logging.getLogger().handlers[0]
    json_handler = next(
        each for each in logging.getLogger().handlers if isinstance(each.formatter, structlog.stdlib.ProcessorFormatter)
    )
    stream = io.StringIO()
    before = json_handler.setStream(stream)  # type: ignore[attr-defined]  # a StreamHandler, as logging was set up
    assert handler is not None
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    json_handler.setStream(before)  # type: ignore[attr-defined]  # as above


def only(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    found = [line for line in lines if line["event"] == event]
    assert len(found) == 1, lines
    return found[0]


def test_a_request_is_one_line_with_its_name_tenant_and_person(log: Any, client_for: Any, alpha: Any) -> None:
    person = make_user()
    response = client_for(alpha, person).get("/api/v1/me/")
    line = only(log(), "request_finished")
    assert line["code"] == response.status_code == 200
    assert line["request"] == "GET /api/v1/me/"
    assert line["tenant"] == alpha.schema_name
    assert line["user_id"] == person.pk
    assert line["request_id"] == response["X-Request-ID"]
    assert person.email not in json.dumps(log())


def test_the_query_of_a_request_is_not_logged(log: Any, client_for: Any, alpha: Any) -> None:
    client_for(alpha).get(
        "/api/v1/orders/ABCDEFGH/?secret=very-secret-indeed", headers={"Authorization": f"Bearer {JWT}"}
    )
    text = json.dumps(log())
    assert "very-secret" not in text
    assert JWT not in text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abcdefgh-1234", True),
        ("a" * 64, True),
        ("short", False),
        ("a" * 65, False),
        ("x\ninjected: 1234567", False),
        ("ключ-ключ", False),
        ("<script>alert", False),
        ("", False),
    ],
)
def test_a_sane_name_of_the_request_is_kept(client_for: Any, alpha: Any, given: str, kept: bool) -> None:
    answered = client_for(alpha).get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-ID"]
    assert (answered == given) == kept
    assert "\n" not in answered


def test_nobody_is_read_from_the_database_only_to_be_logged(rf: Any) -> None:
    request = rf.get("/")
    request.user = SimpleLazyObject(lambda: pytest.fail("the user was asked for"))
    observability.RequestLogMiddleware(lambda request: None).bind_user_id(request)
    request.user = AnonymousUser()
    observability.RequestLogMiddleware(lambda request: None).bind_user_id(request)
    assert "user_id" not in structlog.contextvars.get_contextvars()


def test_a_line_stays_a_line_and_keeps_no_secret(log: Any) -> None:
    logging.getLogger("tests").warning(
        "one\r\ntwo %s %s",
        "ann@example.test",
        JWT,
        extra={"password": "hunter2", "sent": {"api_key": "k", "list": ["bob@example.test"]}},
    )
    line = only(log(), "one  two [email] [token]")
    assert line["password"] == "[hidden]"
    assert line["sent"] == {"api_key": "[hidden]", "list": ["[email]"]}


def test_the_secret_of_an_order_page_is_hidden(log: Any) -> None:
    structlog.get_logger("tests").info("seen", request="GET /orders/ABC123/Zk3wq-9_aaaaaaaaaaaaaaaaaaaaaaaa/pay/")
    assert only(log(), "seen")["request"] == "GET /orders/ABC123/[hidden]/pay/"


def test_a_fault_is_logged_once_with_its_traceback(log: Any, client_for: Any, alpha: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.routes"
    client = client_for(alpha)
    client.raise_request_exception = False
    client.get("/api/v1/fault/fault/")
    with_traceback = [line for line in log() if "exception" in line]
    assert len(with_traceback) == 1
    assert "RuntimeError" in with_traceback[0]["exception"]
    assert with_traceback[0]["level"] == "error"


def test_sentry_is_told_the_tenant_and_no_person(alpha: Any) -> None:
    from tenants.context import in_tenant

    event = {
        "request": {
            "url": "https://alpha.example.org/orders/ABC123/Zk3wq-9_aaaaaaaaaaaaaaaaaaaaaaaa/?secret=s",
            "cookies": {"session": JWT}, "headers": {"Authorization": f"Bearer {JWT}"}, "data": {"password": "hunter2"},
            "env": {"REMOTE_ADDR": "203.0.113.5"}, "query_string": "secret=s", "method": "POST",
        },
        "user": {"id": 7, "email": "ann@example.test", "ip_address": "203.0.113.5"},
        "exception": {
            "values": [{"value": "no mail to ann@example.test", "stacktrace": {"frames": [{"vars": {"token": JWT}}]}}]
        },
        "extra": {"secret": "s"},
        "breadcrumbs": {"values": [{"message": "SELECT 'ann@example.test'"}]},
    }  # fmt: skip
    with in_tenant(alpha), structlog.contextvars.bound_contextvars(request_id="abcdefgh"):
        sent = observability.before_send(event, {})
    assert sent["tags"] == {"tenant": alpha.schema_name, "request_id": "abcdefgh"}
    assert sent["request"] == {"url": "https://alpha.example.org/orders/ABC123/[hidden]/", "method": "POST"}
    assert sent["user"] == {"id": 7}
    text = json.dumps(sent)
    for trace in ("ann@", "hunter2", JWT, "203.0.113", "secret=s"):
        assert trace not in text


def test_sentry_hears_nothing_without_an_address(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sentry_sdk

    started: list[Any] = []
    monkeypatch.setattr(sentry_sdk, "init", lambda **options: started.append(options))
    settings.SENTRY_DSN = ""
    observability.configure_sentry()
    assert not started
    settings.SENTRY_DSN = "https://key@sentry.example.org/1"
    observability.configure_sentry()
    assert started[0]["send_default_pii"] is False
    assert started[0]["before_send"] is observability.before_send


def test_a_task_carries_the_name_of_the_request_that_it_follows_from(log: Any) -> None:
    @shared_task(name="tests.log_a_line")
    def log_a_line() -> None:
        structlog.get_logger("tests").info("in_task")

    headers: dict[str, Any] = {}
    with structlog.contextvars.bound_contextvars(request_id="abcdefgh", address="203.0.113.5"):
        observability._name_the_request(headers=headers)
    assert headers == {"foyer_request_id": "abcdefgh"}
    log_a_line.apply(headers=headers)
    line = only(log(), "in_task")
    assert line["task"] == "tests.log_a_line"
    assert line["task_id"]
    assert line["request_id"] == "abcdefgh"
    assert "request_id" not in structlog.contextvars.get_contextvars()
