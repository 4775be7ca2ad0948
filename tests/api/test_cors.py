"""Other sites call a tenant's API from a browser only if the tenant lists them, and never with our cookies (I6)."""

import pytest
from django.conf import settings

from tests.factories import make_user, sign_in

SHOP = "https://shop.example.org"


@pytest.fixture
def listed(alpha):
    alpha.preferences = {"cors_origins": [SHOP]}
    alpha.save()
    return alpha


def ask(client, origin, path="/api/v1/events/", **options):
    return client.get(path, HTTP_ORIGIN=origin, **options)


def test_a_listed_site_may_read_and_gets_no_credentials(listed, client_for):
    answer = ask(client_for(listed), SHOP)
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Credentials" not in answer and "origin" in answer["Vary"].lower()
    assert "etag" in answer["Access-Control-Expose-Headers"]


def test_its_preflight_is_answered_with_the_headers_that_the_api_takes(listed, client_for):
    answer = client_for(listed).options(
        "/api/v1/orders/", HTTP_ORIGIN=SHOP, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization, idempotency-key, x-cart-token, x-order-secret",
    )  # fmt: skip
    assert answer.status_code == 200 and answer["Access-Control-Allow-Origin"] == SHOP
    allowed = answer["Access-Control-Allow-Headers"]
    assert all(name in allowed for name in ("authorization", "idempotency-key", "x-cart-token", "x-order-secret"))
    assert "x-csrftoken" not in allowed and "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example.org.evil.test", "https://evil.test", "http://shop.example.org", "https://shop.example.org:444",
     "https://SHOP.example.org", "null", "http://beta.localhost", "*", "", "https://www.shop.example.org"],
)  # fmt: skip
def test_no_other_origin_is_let_in(listed, client_for, origin):
    for answer in (ask(client_for(listed), origin), ask(client_for(listed), origin, "/api/v1/nothing/")):
        assert "Access-Control-Allow-Origin" not in answer


def test_each_tenant_has_its_own_list_and_the_platform_none(listed, beta, client_for):
    assert "Access-Control-Allow-Origin" not in ask(client_for(beta), SHOP)
    assert "Access-Control-Allow-Origin" not in ask(client_for(), SHOP, "/api/v1/me/")


def test_pages_are_for_no_other_site(listed, page_for):
    assert "Access-Control-Allow-Origin" not in ask(page_for(listed), SHOP, "/events/")


def test_a_listed_site_with_somebodys_cookies_writes_nothing(listed):
    from django.test import Client

    client = Client(HTTP_HOST="alpha.localhost", enforce_csrf_checks=True)
    sign_in(client, make_user(name="Ada"))
    client.get("/account/")
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    body = {"content_type": "application/json", "HTTP_X_CSRFTOKEN": token}
    assert client.patch("/api/v1/me/", '{"name": "Eve"}', HTTP_ORIGIN=SHOP, **body).status_code == 403
    assert (
        client.patch("/api/v1/me/", '{"name": "Eve"}', HTTP_ORIGIN="http://alpha.localhost", **body).status_code == 200
    )


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://*.example.org", "https://example.org/", "https://example.org/path", "http://example.org",
     "example.org", "https://Example.org", "https://example.org:443", "https://example.org:0", "https://example.org:99999",
     "https://user@example.org", "https://exam ple.org", "https://", "javascript:alert(1)", 5, None],
)  # fmt: skip
def test_what_is_no_exact_origin_cannot_be_listed(origin):
    from shared_apps.core.errors import InvalidInput
    from tenants.preferences import checked

    with pytest.raises(InvalidInput):
        checked({"cors_origins": [origin]})


def test_plain_http_is_taken_on_a_developers_machine_only(settings):
    from shared_apps.core.errors import InvalidInput
    from tenants.preferences import checked

    assert checked({"cors_origins": ["http://localhost:3000", SHOP]})
    settings.DEVELOPMENT = False
    with pytest.raises(InvalidInput):
        checked({"cors_origins": ["http://localhost:3000"]})
