"""The OpenAPI document and its pages: whole, without warnings, each host its own surface."""

import re
from importlib import import_module
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from api.checks import routes
from api.docs import generate
from api.v1.urls import public_urls, tenant_urls
from shared_apps.core.errors import DomainError

HOSTS = {
    "platform": (public_urls, "platform_config.urls_public"),
    "tenant": (tenant_urls, "platform_config.urls_tenant"),
}


@pytest.mark.parametrize("host", HOSTS)
def test_the_document_is_made_without_a_warning(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    document = generate(HOSTS[host][0])
    GENERATOR_STATS.emit_summary()
    assert not GENERATOR_STATS, capsys.readouterr().err
    validate_schema(document)


@pytest.mark.parametrize("host", HOSTS)
def test_every_route_is_in_the_document(host: str) -> None:
    urls, urlconf = HOSTS[host]
    listed = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", address))
        for address, operations in generate(urls)["paths"].items()
        for method in operations
    }
    there = {
        (route.method, re.sub(r"<[^>]*>", "{}", route.path))
        for route in routes(import_module(urlconf).urlpatterns, on_platform=host == "platform")
        if route.path.startswith("/api/v1/")
    }
    hidden = {("PATCH", "/api/v1/bookings/{}/")}
    assert there - listed - hidden == set()
    assert listed - there == set()


def test_operations_name_their_problems_rules_and_keys() -> None:
    document = generate(tenant_urls)
    order = document["paths"]["/api/v1/orders/"]["post"]
    assert order["responses"]["409"]["content"].keys() == {"application/problem+json"}
    assert {"bearer", "cookie"} <= document["components"]["securitySchemes"].keys()
    key = next(each for each in order["parameters"] if each["name"] == "Idempotency-Key")
    assert key["required"] is True
    refund = document["paths"]["/api/v1/orders/{code}/refund/"]["post"]
    assert "`refund_orders`" in refund["description"]
    assert {} not in refund["security"]
    assert {} in document["paths"]["/api/v1/events/"]["get"]["security"]


def test_each_host_shows_its_own_surface(client_for: Any, alpha: Any) -> None:
    platform = client_for().get("/api/schema/").json()["paths"]
    tenant = client_for(alpha).get("/api/schema/").json()["paths"]
    assert "/api/v1/tenants/" in platform
    assert "/api/v1/events/" not in platform
    assert "/api/v1/events/" in tenant
    assert "/api/v1/tenants/" not in tenant


def test_the_document_comes_as_yaml_too(client_for: Any, alpha: Any) -> None:
    response = client_for(alpha).get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi"})
    assert response.content.startswith(b"openapi: 3")


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_pages_ask_nobody_else_and_run_only_our_scripts(client_for: Any, alpha: Any, path: str) -> None:
    for tenant in (None, alpha):
        response = client_for(tenant).get(path, headers={"Accept": "text/html"})
        assert response.status_code == 200
        page = response.content.decode()
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
        policy = response["Content-Security-Policy"]
        assert "script-src 'self' 'nonce-" in policy
        nonce = re.search(r"'nonce-([^']+)'", policy)
        assert nonce is not None
        scripts = re.findall(r"<script[^>]*>", page)
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in script for script in scripts)


@pytest.mark.parametrize(
    ("path", "target"), [("/swagger/", "/api/docs/"), ("/redoc/", "/api/redoc/"), ("/api/swagger/", "/api/docs/")]
)
def test_the_older_addresses_lead_there(client_for: Any, alpha: Any, path: str, target: str) -> None:
    assert client_for(alpha).get(path)["Location"] == target


def test_every_code_of_the_product_is_described_where_its_type_leads(client_for: Any, alpha: Any) -> None:
    def subclasses(kind: type[DomainError]) -> set[str]:
        return {kind.code} | {code for each in kind.__subclasses__() for code in subclasses(each)}

    for tenant in (None, alpha):
        page = client_for(tenant).get("/docs/errors").content.decode()
        for code in subclasses(DomainError) - {"refused"}:
            assert f'id="{code}"' in page, code


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_pages_draw_the_document_in_a_browser(browser: Any, site: Any, alpha: Any, path: str) -> None:
    page = browser.new_page()
    page.goto(site.url(alpha, path))
    # ReDoc draws all its hundreds of addresses before it shows one, so a busy machine is given a minute.
    page.get_by_text("/activate/").first.wait_for(state="attached", timeout=60_000)
    # ReDoc asks its maker's server for a logo and does without it: our policy keeps the question from leaving.
    browser.problems[:] = [each for each in browser.problems if "cdn.redoc.ly" not in each]


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_docs_pages_open_whatever_became_of_the_sign_in_and_refuse_as_the_api_does(client_for, alpha, path):
    client = client_for(alpha)
    client.raise_request_exception = False
    assert client.get(path, HTTP_AUTHORIZATION="Bearer long-expired").status_code == 200
    assert client.options(path).status_code == 204
    refused = client.delete(path)
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
    assert refused.json()["code"] == "method_not_allowed"
