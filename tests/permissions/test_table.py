"""The table itself: printed, documented, and nothing gets past it."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

from api import checks
from api.routes import table
from api.views import APIView
from shared_apps.core.access import anyone

PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"


def printed(*options: str) -> str:
    out = StringIO()
    call_command("permissions", *options, stdout=out)
    return out.getvalue()


def test_the_documentation_holds_the_table_of_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == printed("--markdown"), (
        "run: manage.py permissions --markdown > docs/permissions.md"
    )


def test_json_and_text_have_a_row_for_every_route() -> None:
    rows = json.loads(printed("--json"))
    assert len(rows) == len(table()) == len(printed().splitlines())
    assert all(row["permission"] and row["scope"] for row in rows)


def test_a_route_without_a_row_does_not_start() -> None:
    class Forgotten(APIView):
        def post(self, request: object) -> None:
            """Never called."""

    with pytest.raises(ImproperlyConfigured, match=r"POST /api/v1/forgotten/.*declares no rule"):
        checks.enforce([path("api/v1/forgotten/", Forgotten.as_view())], on_platform=False)


def test_a_route_that_adds_a_method_without_a_rule_does_not_start() -> None:
    class Half(APIView):
        permissions = {"get": "view_orders"}

        def get(self, request: object) -> None:
            """Never called."""

        delete = get

    with pytest.raises(ImproperlyConfigured, match="DELETE /api/v1/half/"):
        checks.enforce([path("api/v1/half/", Half.as_view())], on_platform=False)


def test_staff_rights_beside_a_rule_that_is_not_own_do_not_start() -> None:
    class Odd(APIView):
        permissions = {"get": "view_orders"}
        staff_too = {"get": "change_orders"}

        def get(self, request: object) -> None:
            """Never called."""

    with pytest.raises(ImproperlyConfigured, match="staff_too"):
        checks.enforce([path("api/v1/odd/", Odd.as_view())], on_platform=False)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_a_page_takes_no_method_that_it_does_not_declare(method: str) -> None:
    @anyone
    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse("done")

    assert page(RequestFactory().get("/")).status_code == 200
    assert page(RequestFactory().generic(method, "/")).status_code == 405
