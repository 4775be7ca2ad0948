"""The same through all of the middleware and the real URLs, as a browser or a program would meet it."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tenants import links
from tenants.context import in_tenant
from tenants.models import Domain
from tenants.provisioning import close, resume, suspend
from tests.factories import make_event


def test_each_host_lists_its_own_events_only(alpha: Any, beta: Any, client_for: Any) -> None:
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            make_event(f"Gala of {tenant.slug}", slug="gala")
    for tenant, other in ((alpha, beta), (beta, alpha)):
        text = client_for(tenant).get("/api/v1/events/").content.decode()
        assert f"Gala of {tenant.slug}" in text and f"Gala of {other.slug}" not in text
        assert connection.schema_name == "public"


def test_no_statement_of_a_warm_request_looks_for_the_tenant(
    alpha: Any, client_for: Any, django_assert_max_num_queries: Any
) -> None:
    client = client_for(alpha)
    client.get("/api/v1/events/")
    with django_assert_max_num_queries(10) as captured:
        assert client.get("/api/v1/events/").status_code == 200
    assert captured.captured_queries
    assert not [query["sql"] for query in captured.captured_queries if "tenants_" in query["sql"]]


@pytest.mark.parametrize("path", ["/", "/api/v1/events/", "/dashboard/", "/no/such/page/"])
def test_an_unknown_host_has_nothing_at_any_path(alpha: Any, client_for: Any, path: str) -> None:
    response = client_for().get(path, HTTP_HOST="nobody.localhost")
    assert response.status_code == 404
    assert b"Alpha" not in response.content and b"t_alpha" not in response.content
    if path.startswith("/api/"):
        assert response["Content-Type"] == "application/problem+json" and response.json()["request_id"]


def test_a_suspension_stops_pages_and_api_at_once_and_a_closing_hides_them(alpha: Any, client_for: Any) -> None:
    client = client_for(alpha)
    assert client.get("/api/v1/events/").status_code == 200
    suspend(alpha)
    refused = client.get("/api/v1/events/")
    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")
    resume(alpha)
    assert client.get("/api/v1/events/").status_code == 200
    close(alpha)
    assert client.get("/api/v1/events/").status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_missing_slash_is_mended_without_losing_the_method(alpha: Any, client_for: Any, method: str) -> None:
    response = getattr(client_for(alpha), method)("/api/v1/events?page_size=5", {})
    assert response.status_code == 308 and response["Location"].startswith("/api/v1/events/?page_size=5")


def test_links_use_the_stored_primary_host_whatever_the_request_said(alpha: Any, settings: Any) -> None:
    unproved = Domain.objects.create(domain="tickets.alpha.example", tenant=alpha, is_primary=True)
    assert links.url(alpha, "/") == "http://alpha.localhost/", "what nobody has proved leads nowhere"
    unproved.verified_at = timezone.now()
    unproved.save()
    alpha.__dict__.pop("primary_host", None)
    assert links.url(alpha, "/events/gala/") == "http://tickets.alpha.example/events/gala/"
    assert links.platform_url("/account/") == "http://localhost/account/"
    with pytest.raises(ValueError, match="starts with a slash"):
        links.url(alpha, "@evil.example/")
