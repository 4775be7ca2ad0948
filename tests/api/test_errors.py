"""Whatever goes wrong, the answer has one shape and gives nothing away (B1)."""

from typing import Any

import pytest

from shared_apps.core.problems import CONTENT_TYPE

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "request_id"}


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, whole and private, and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == CONTENT_TYPE
    body: dict[str, Any] = response.json()
    assert body.keys() == MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/docs/errors#{code}"
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    assert "no-store" in response["Cache-Control"]
    return body


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("sold-out", 409, "sold_out"),
        ("several", 400, "invalid"),
        ("missing", 404, "not_found"),
        ("denied", 403, "forbidden"),
        ("denied-drf", 403, "forbidden"),
        ("unsigned", 401, "sign_in_required"),
        ("bad-token", 401, "token_expired"),
        ("parse", 400, "malformed"),
        ("suspicious", 400, "malformed"),
        ("model", 400, "invalid"),
        ("nested", 400, "invalid"),
    ],
)
def test_every_refusal_is_a_problem_with_its_code(api: Any, kind: str, status: int, code: str) -> None:
    problem(api().get(f"/api/v1/fault/{kind}/"), status, code)


def test_a_refusal_names_the_field_that_caused_it(api: Any) -> None:
    body = problem(api().get("/api/v1/fault/sold-out/"), 409, "sold_out")
    assert body["detail"] == "Gala is sold out."
    assert body["errors"] == [{"field": "lines.0.ticket_type", "code": "sold_out", "message": "Gala is sold out."}]


def test_errors_in_nested_fields_carry_their_path_and_code(api: Any) -> None:
    sent = {"title": "x" * 21, "lines": [{"quantity": 1}, {"quantity": 11}, {}]}
    body = problem(api().post("/api/v1/shape/", sent), 400, "invalid")
    assert {(error["field"], error["code"]) for error in body["errors"]} == {
        ("title", "max_length"),
        ("lines.1.quantity", "max_value"),
        ("lines.2.quantity", "required"),
    }


def test_an_error_of_the_whole_has_an_empty_field(api: Any) -> None:
    body = problem(api().get("/api/v1/fault/nested/"), 400, "invalid")
    assert {"field": "", "code": "invalid", "message": "All wrong."} in body["errors"]
    assert {"field": "lines.1.quantity", "code": "max_value", "message": "Too many."} in body["errors"]


@pytest.mark.parametrize(("kind", "seconds"), [("limited", "7"), ("throttled", "4")])
def test_whoever_asks_too_often_is_told_how_long_to_wait(api: Any, kind: str, seconds: str) -> None:
    response = api().get(f"/api/v1/fault/{kind}/")
    problem(response, 429, "rate_limited")
    assert response["Retry-After"] == seconds


def test_a_401_says_how_one_signs_in(api: Any) -> None:
    assert api().get("/api/v1/fault/unsigned/")["WWW-Authenticate"].startswith("Bearer")


def test_a_fault_of_ours_tells_nothing_but_where_to_look(api: Any) -> None:
    response = api().get("/api/v1/fault/fault/")
    problem(response, 500, "internal_error")
    assert b"hunter2" not in response.content
    assert b"Traceback" not in response.content


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unique", 409, "already_exists"),
        ("range", 400, "out_of_range"),
        ("division", 400, "out_of_range"),
        ("cancelled", 503, "busy"),
        ("raise-serialization", 503, "busy"),
        ("raise-locked", 503, "busy"),
        ("raise-check", 409, "conflict"),
        ("raise-full", 503, "unavailable"),
        ("unknown-table", 500, "internal_error"),
    ],
)
def test_what_the_database_refuses_is_told_by_its_state(api: Any, kind: str, status: int, code: str) -> None:
    response = api().post(f"/api/v1/fault/{kind}/", {})
    body = problem(response, status, code)
    assert "SELECT" not in body["detail"]
    assert (status == 503) == ("Retry-After" in response)


def test_an_unknown_path_of_the_api_is_a_problem(api: Any) -> None:
    problem(api().get("/api/v1/no-such-thing/"), 404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(api: Any) -> None:
    response = api().delete("/api/v1/shape/")
    problem(response, 405, "method_not_allowed")
    assert "POST" in response["Allow"]


def test_options_tell_the_methods_and_nothing_of_the_fields(api: Any) -> None:
    response = api().options("/api/v1/rules/")
    assert response.status_code == 204
    assert "DELETE" in response["Allow"]
    assert response.content == b""


def test_the_sentence_is_in_the_callers_language_and_the_code_is_not(api: Any) -> None:
    english = api().get("/api/v1/fault/missing/", headers={"Accept-Language": "en"}).json()
    russian = api().get("/api/v1/fault/missing/", headers={"Accept-Language": "ru"}).json()
    assert english["code"] == russian["code"] == "not_found"


def test_an_unknown_host_is_a_problem_too(client_for: Any, db: None) -> None:
    response = client_for().get("/api/v1/events/", headers={"Host": "nobody.localhost"})
    assert response.status_code == 404
    assert response["Content-Type"] == CONTENT_TYPE
    assert response.json().keys() == MEMBERS


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page/sold-out/", 409),
        ("/page/missing/", 404),
        ("/page/denied/", 403),
        ("/page/suspicious/", 400),
        ("/page/fault/", 500),
        ("/nowhere/", 404),
    ],
)
def test_elsewhere_a_refusal_is_a_page(api: Any, path: str, status: int) -> None:
    response = api().get(path)
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert b"<h1" in response.content
    assert b"hunter2" not in response.content
    assert b"secret detail" not in response.content


def test_a_page_tells_the_refusals_own_sentence(api: Any) -> None:
    assert "Gala is sold out." in api().get("/page/sold-out/").content.decode()
