"""No input gives a 5xx, and nothing that cannot be stored comes through (B1, B2)."""

import json
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from tests.api.test_errors import problem

JSON = "application/json"


def post(client: Any, body: str | bytes, path: str = "/api/v1/echo/", content_type: str = JSON) -> Any:
    return client.generic("POST", path, body if isinstance(body, bytes) else body.encode(), content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        "{", "", " ", "{}x", "[]", "null", "5", '"text"', "true", "{'a': 1}", '{"a": 01}', '{"a": NaN}',
        '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 2}}',
        '{"a": 9223372036854775808}',
        '{"a": ' + "1" * 5000 + "}", '{"a": "\\u0000"}', '{"a\\u0000": 1}', '{"a": "\\ud800"}', '{"a": ["\\udfff"]}',
        '{"a": "\\ud83d \\ude00"}', "\ufeff{}", '{"a":' * 21 + "1" + "}" * 21, "[" * 100_000, '{"a":' * 50_000,
    ],
    ids=lambda body: body[:24].encode("unicode_escape").decode(),
)  # fmt: skip
def test_what_is_no_json_object_that_can_be_stored_is_refused(api: Any, body: str) -> None:
    client = api()
    response = post(client, body)
    if body == "":
        assert response.status_code == 200  # no body at all is an empty object
        return
    assert response.status_code == 400, response.content
    assert response.json()["code"] in {"malformed", "character_refused"}


def test_bytes_that_are_no_utf8_are_refused(api: Any) -> None:
    for raw in (b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', "{}".encode("utf-16")):
        problem(post(api(), raw), 400, "malformed")


def test_good_json_comes_through_unchanged(api: Any) -> None:
    sent = {"a": "Ünïcödé 😀", "b": [1, -2, 1.5, None, True, {"c": ""}], "d": 2**63 - 1}
    deep: Any = {"x": 1}
    for _level in range(19):
        deep = {"x": deep}
    for body in (sent, deep):
        response = post(api(), json.dumps(body))
        assert response.status_code == 200, response.content
        assert response.json() == body


def test_a_body_over_one_megabyte_is_refused_before_it_is_read(api: Any) -> None:
    response = post(api(), json.dumps({"a": "x" * (1024 * 1024)}))
    problem(response, 413, "too_large")
    assert post(api(), json.dumps({"a": "x" * (1024 * 1024 - 20)})).status_code == 200


def test_pages_refuse_a_large_body_too(api: Any) -> None:
    response = post(
        api(), "a=" + "x" * 1024 * 1024, path="/page/fine/", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 413
    assert response["Content-Type"].startswith("text/html")


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(api: Any) -> None:
    response = api().post("/api/v1/echo/", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    problem(response, 411, "length_required")


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "١", "9" * 400])
def test_a_senseless_length_is_refused(api: Any, length: str) -> None:
    response = api().post("/api/v1/echo/", {}, CONTENT_LENGTH=length)
    assert response.status_code in (400, 413)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        "application/json; charset=utf-16",
        ";;;",
        "x" * 500,
    ],
)
def test_a_wrong_type_is_415(api: Any, content_type: str) -> None:
    problem(post(api(), '{"a": 1}', content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "path", ["echo/%00/", "echo/a%00b/", "echo/?a=%00", "echo/?%00=a", "echo/?a=%ED%A0%80", "echo/?a=%ff"]
)
def test_nul_and_broken_utf8_are_refused_in_path_and_query(api: Any, path: str) -> None:
    path, _mark, query = path.partition("?")
    # The test client mends what it unquotes; a server passes bytes on, as Latin-1.
    raw = unquote_to_bytes("/api/v1/" + path).decode("latin-1")
    problem(api().get("/api/v1/echo/", PATH_INFO=raw, QUERY_STRING=query), 400, "character_refused")


def test_a_path_that_is_no_utf8_stays_percent_encoded(api: Any) -> None:
    raw = unquote_to_bytes("/api/v1/echo/%ff%ed%a0%80/").decode("latin-1")
    assert api().get("/api/v1/echo/", PATH_INFO=raw).json()["name"] == "%FF%ED%A0%80"


def test_cyrillic_and_emoji_come_through_in_path_and_query(api: Any) -> None:
    response = api().get("/api/v1/echo/Ёлка/", {"q": "Привет 😀"})
    assert response.json() == {"query": {"q": ["Привет 😀"]}, "name": "Ёлка"}


def test_an_endless_query_is_refused(api: Any) -> None:
    problem(api().get("/api/v1/echo/", {"a": "x" * 9000}), 414, "address_too_long")


def test_many_parameters_are_refused(api: Any) -> None:
    response = api().get("/api/v1/echo/?" + "&".join("a" for _ in range(3000)))
    assert response.status_code in (400, 413)


def test_form_fields_of_an_upload_are_looked_through(api: Any) -> None:
    client = api()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="resource"\r\n\r\n%s\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\r\n--x--\r\n'
    )
    upload = "multipart/form-data; boundary=x"
    assert post(client, body % b"events", "/api/v1/upload/", upload).json() == {"fields": ["file", "resource"]}
    problem(post(client, body % b"a\x00b", "/api/v1/upload/", upload), 400, "character_refused")
    for broken in (b"--x\r\nrubbish", b"", b"\xff" * 100):
        assert post(client, broken, "/api/v1/upload/", upload).status_code < 500


def test_a_multipart_body_without_a_boundary_is_malformed(api: Any) -> None:
    problem(post(api(), b"abc", "/api/v1/upload/", "multipart/form-data"), 400, "malformed")


@pytest.mark.parametrize("method", ["TRACE", "FOO", "PROPFIND", "CONNECT"])
def test_an_odd_method_is_405(api: Any, method: str) -> None:
    assert api().generic(method, "/api/v1/echo/").status_code == 405


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "x", "*/*", "application/json;q=0", ";;;"])
def test_whatever_the_client_accepts_it_gets_json(api: Any, accept: str) -> None:
    response = api().get("/api/v1/echo/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("currency", "price", "minor"),
    [
        ("EUR", "12.50", 1250),
        ("EUR", 12.5, 1250),
        ("EUR", 0.1, 10),
        ("JPY", "1200", 1200),
        ("JPY", 1200, 1200),
        ("KWD", "1.005", 1005),
        ("EUR", "0", 0),
        ("EUR", "1e2", 10000),
    ],
)
def test_money_is_taken_in_major_units_and_kept_in_minor_ones(api: Any, currency: str, price: Any, minor: int) -> None:
    sent = {"title": "x", "lines": [{"quantity": 1, "price": price}]}
    response = api().post(f"/api/v1/shape/?in={currency}", sent)
    assert response.json()["lines"][0]["price"] == minor


@pytest.mark.parametrize(
    ("currency", "price", "code"),
    [
        ("EUR", "12.505", "digits"), ("JPY", "12.5", "digits"), ("EUR", "-1", "min_value"),
        ("EUR", "1e30", "max_value"),
        ("EUR", "NaN", "invalid"), ("EUR", "Infinity", "invalid"), ("EUR", "", "invalid"), ("EUR", "12,50", "invalid"),
        ("EUR", True, "invalid"), ("EUR", [1], "invalid"), ("EUR", {}, "invalid"), ("EUR", None, "null"),
        ("EUR", "9" * 40, "invalid"),
        ("EUR", "1e999999999", "max_value"), ("EUR", "1e-999999999", "digits"),
    ],
)  # fmt: skip
def test_what_is_no_amount_of_money_is_refused(api: Any, currency: str, price: Any, code: str) -> None:
    sent = {"title": "x", "lines": [{"quantity": 1, "price": price}]}
    body = problem(api().post(f"/api/v1/shape/?in={currency}", sent), 400, "invalid")
    assert [(error["field"], error["code"]) for error in body["errors"]] == [("lines.0.price", code)]
