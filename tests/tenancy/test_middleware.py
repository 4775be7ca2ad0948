"""From the host to the tenant: who is let in, what is answered otherwise, and that nothing stays behind."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from django.utils import timezone, translation

from tenant_apps.events.models import Category
from tenants import lookup
from tenants.context import in_tenant
from tenants.middleware import LocaleMiddleware, SlashMiddleware, TenantMiddleware
from tenants.models import Domain, Tenant
from tenants.provisioning import begin_closing, close, resume, suspend


def ask(host: str, target: str = "/", view: Callable[..., Any] | None = None, **headers: str) -> Any:
    """Send a request with this host through the middleware; the view says in which schema it ran."""
    request = RequestFactory().get(target, HTTP_HOST=host, **headers)

    def here(request: Any) -> HttpResponse:
        return HttpResponse(f"{connection.schema_name} {request.tenant.slug}")

    return TenantMiddleware(view or here)(request)


@pytest.mark.parametrize(
    "host",
    ["alpha.localhost", "ALPHA.localhost", "alpha.localhost:8123", "alpha.localhost.", "Alpha.LocalHost.:80"],
)
def test_a_known_host_leads_to_its_tenant_however_it_is_written(alpha: Any, host: str) -> None:
    assert ask(host).content.decode() == "t_alpha alpha"
    assert connection.schema_name == "public"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_the_platforms_hosts_are_public_with_their_own_urls(db: None, host: str) -> None:
    def view(request: Any) -> HttpResponse:
        assert request.tenant.is_public and request.tenant.schema_name == "public"
        return HttpResponse(f"{connection.schema_name} {request.urlconf}")

    assert ask(host, view=view).content.decode() == "public platform_config.urls_public"


@pytest.mark.parametrize(
    "host", ["nobody.localhost", "alpha.localhost.evil.test", "evil.test", "a b.localhost", "альфа.localhost", ""]
)
def test_an_unknown_host_is_404_and_tells_nothing(alpha: Any, beta: Any, host: str) -> None:
    response = ask(host, view=lambda request: pytest.fail("the view must not run"))
    assert response.status_code == 404
    text = response.content.decode().lower()
    assert "alpha" not in text and "beta" not in text and "t_" not in text


def test_below_api_the_answer_is_a_problem(alpha: Any) -> None:
    response = ask("nobody.localhost", "/api/v1/events/")
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content)["code"] == "not_found"


def test_forwarded_headers_do_not_choose_the_tenant(alpha: Any, beta: Any) -> None:
    response = ask(
        "alpha.localhost", HTTP_X_FORWARDED_HOST="beta.localhost", HTTP_FORWARDED="host=beta.localhost",
        HTTP_X_ORIGINAL_HOST="beta.localhost", HTTP_X_HOST="beta.localhost",
    )  # fmt: skip
    assert response.content.decode() == "t_alpha alpha"


def test_a_suspension_is_obeyed_by_the_next_request_and_ended_by_the_next(alpha: Any) -> None:
    assert ask("alpha.localhost").status_code == 200
    suspend(alpha)
    response = ask("alpha.localhost", "/api/v1/events/")
    assert response.status_code == 403
    assert json.loads(response.content)["code"] == "tenant_suspended"
    assert ask("alpha.localhost", "/dashboard/").status_code == 403
    resume(alpha)
    assert ask("alpha.localhost").status_code == 200


@pytest.mark.parametrize(
    "target", ["/dashboard/billing/", "/dashboard/exports/orders.csv", "/api/v1/exports/orders.csv", "/account/login/"]
)
def test_a_suspended_tenant_can_still_pay_and_take_its_data(alpha: Any, target: str) -> None:
    suspend(alpha)
    assert ask("alpha.localhost", target).status_code == 200


def test_who_is_closing_serves_nobody_but_can_take_its_data(alpha: Any) -> None:
    begin_closing(alpha)
    response = ask("alpha.localhost", "/api/v1/events/")
    assert (response.status_code, json.loads(response.content)["code"]) == (403, "tenant_closing")
    assert ask("alpha.localhost", "/dashboard/exports/orders.csv").status_code == 200


def test_words_that_only_begin_like_billing_open_nothing(alpha: Any) -> None:
    suspend(alpha)
    for target in ("/billings/", "/exportsale/", "/api/v1/events/billing/", "/accounts-all/"):
        assert ask("alpha.localhost", target).status_code == 403


def test_a_closed_tenant_looks_as_if_it_had_never_been(alpha: Any) -> None:
    unknown = ask("nobody.localhost")
    close(alpha)
    closed = ask("alpha.localhost")
    assert (closed.status_code, closed.content) == (unknown.status_code, unknown.content)


def test_a_tenant_that_is_opening_or_behind_says_try_again(alpha: Any) -> None:
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=alpha.migrations_applied - 1)
    response = ask("alpha.localhost", "/api/v1/events/")
    assert response.status_code == 503 and int(response["Retry-After"]) > 0
    assert json.loads(response.content)["code"] == "tenant_not_ready"
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=alpha.migrations_applied, status="opening")
    assert ask("alpha.localhost").status_code == 503


def test_a_tenant_ahead_of_the_code_is_served(alpha: Any) -> None:
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=alpha.migrations_applied + 5)
    assert ask("alpha.localhost").status_code == 200


def test_one_tenant_behind_leaves_the_others_alone(alpha: Any, beta: Any) -> None:
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=0)
    assert ask("alpha.localhost").status_code == 503
    assert ask("beta.localhost").status_code == 200


def test_a_view_that_fails_leaves_the_connection_in_public(alpha: Any) -> None:
    def broken(request: Any) -> HttpResponse:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask("alpha.localhost", view=broken)
    assert connection.schema_name == "public"


def test_a_streamed_body_is_produced_in_its_own_tenant(alpha: Any, beta: Any) -> None:
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            Category.objects.create(slug=f"of-{tenant.slug}", name=tenant.name)

    def streaming(request: Any) -> StreamingHttpResponse:
        def parts() -> Iterator[str]:
            for _ in range(2):
                yield ",".join(Category.objects.filter(slug__startswith="of-").values_list("slug", flat=True)) + ";"

        return StreamingHttpResponse(parts())

    one, two = ask("alpha.localhost", view=streaming), ask("beta.localhost", view=streaming)
    # Two bodies are sent in turn, as two threads' would be; between the parts the connection is public again.
    bodies: dict[str, str] = {"alpha": "", "beta": ""}
    for from_one, from_two in zip(one.streaming_content, two.streaming_content, strict=True):
        bodies["alpha"] += from_one.decode()
        bodies["beta"] += from_two.decode()
        assert connection.schema_name == "public"
    assert bodies == {"alpha": "of-alpha;of-alpha;", "beta": "of-beta;of-beta;"}


def test_a_warm_process_asks_the_database_nothing_for_the_tenant(alpha: Any, django_assert_num_queries: Any) -> None:
    ask("alpha.localhost")

    def one_query(request: Any) -> HttpResponse:
        return HttpResponse(str(Category.objects.count()))

    with django_assert_num_queries(0):
        ask("alpha.localhost")
    ask("alpha.localhost", view=one_query)
    with django_assert_num_queries(1):  # the connection is still in alpha's schema, and knows it
        ask("alpha.localhost", view=one_query)


def test_a_connection_that_comes_from_another_tenant_sets_the_schema_once(
    alpha: Any, beta: Any, django_assert_num_queries: Any
) -> None:
    def two_queries(request: Any) -> HttpResponse:
        return HttpResponse(f"{Category.objects.count()} {Category.objects.exists()}")

    ask("alpha.localhost", view=two_queries)
    ask("beta.localhost", view=two_queries)
    with django_assert_num_queries(3) as captured:
        ask("alpha.localhost", view=two_queries)
    assert [query["sql"].split()[0] for query in captured.captured_queries] == ["SET", "SELECT", "SELECT"]


def test_what_a_view_changes_on_its_tenant_reaches_no_other_request(alpha: Any) -> None:
    def careless(request: Any) -> HttpResponse:
        request.tenant.name = "Mine"
        request.tenant.preferences["hold_minutes"] = 1
        return HttpResponse()

    ask("alpha.localhost", view=careless)
    found = lookup.by_host("alpha.localhost")
    assert found is not None and found.name == "Alpha" and "hold_minutes" not in found.preferences


def test_without_the_cache_server_the_database_answers(alpha: Any, settings: Any, monkeypatch: Any) -> None:
    class Down:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError("no cache today")

    monkeypatch.setattr(lookup, "caches", {"global": Down()})
    monkeypatch.setattr(lookup, "_cache_rests_until", 0.0)
    assert ask("alpha.localhost").content.decode() == "t_alpha alpha"
    suspend(alpha)
    assert ask("alpha.localhost").status_code == 403
    resume(alpha)
    assert ask("alpha.localhost").status_code == 200


def test_a_new_host_leads_to_its_tenant_at_once(alpha: Any) -> None:
    assert ask("tickets.localhost").status_code == 404
    Domain.objects.create(domain="Tickets.localhost", tenant=alpha, is_primary=False)
    assert ask("tickets.localhost", "/api/v1/events/").content.decode() == "t_alpha alpha"
    Domain.objects.get(domain="tickets.localhost").delete()
    assert ask("tickets.localhost").status_code == 404


def test_strangers_hosts_do_not_fill_the_memory(alpha: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(lookup, "MOST_UNKNOWN_KEPT", 10)
    ask("alpha.localhost")
    for number in range(25):
        ask(f"stranger-{number}.localhost")
    assert len(lookup._unknown) <= 10
    assert ("domains__domain", "alpha.localhost") in lookup._kept


# --- Slashes --------------------------------------------------------------------------------------------------------


def _anything(request: Any, **parts: Any) -> HttpResponse:
    return HttpResponse("here")


urlpatterns = [path("events/", _anything), path("feed.ics", _anything), path("static/x/", _anything)]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@override_settings(ROOT_URLCONF=__name__)
def test_a_missing_slash_is_a_308_that_keeps_the_query(method: str) -> None:
    request = getattr(RequestFactory(), method)("/events?page=2&q=a%20b")
    response = SlashMiddleware(_anything)(request)
    assert (response.status_code, response["Location"]) == (308, "/events/?page=2&q=a%20b")


@pytest.mark.parametrize("target", ["/events/", "/feed.ics", "/nothing", "/static/x", "/media/x"])
@override_settings(ROOT_URLCONF=__name__)
def test_other_paths_go_their_way(target: str) -> None:
    assert SlashMiddleware(_anything)(RequestFactory().get(target)).status_code == 200


@override_settings(ROOT_URLCONF=__name__)
def test_a_path_that_looks_like_a_host_is_not_a_way_out() -> None:
    response = SlashMiddleware(_anything)(RequestFactory().get("//evil.test/events"))
    assert not response.headers.get("Location", "").startswith("//")


# --- Language and time zone -----------------------------------------------------------------------------------------


def localised(
    tenant: Any, target: str = "/", person: Any = None, cookies: dict[str, str] | None = None, **headers: str
) -> Any:
    request = RequestFactory().get(target, **headers)
    request.tenant, request.user = tenant, person or AnonymousUser()
    request.COOKIES.update(cookies or {})
    return LocaleMiddleware(
        lambda request: HttpResponse(f"{translation.get_language()} {timezone.get_current_timezone_name()}")
    )(request)


class _Person:
    is_authenticated = True
    language, timezone = "ru", "Asia/Tokyo"


def test_the_language_comes_from_cookie_person_browser_tenant_in_that_order(settings: Any) -> None:
    tenant = Tenant(slug="x", language="ru", timezone="Europe/Berlin")
    signed_in = {settings.ACCESS_COOKIE_NAME: "x"}
    chosen = {settings.LANGUAGE_COOKIE_NAME: "en"}
    assert localised(tenant).content == b"ru Europe/Berlin"
    assert localised(tenant, HTTP_ACCEPT_LANGUAGE="de, en-GB;q=0.5").content == b"en Europe/Berlin"
    assert localised(tenant, HTTP_ACCEPT_LANGUAGE="de, fr").content == b"ru Europe/Berlin"
    tenant.language = "en"
    assert localised(tenant, person=_Person(), cookies=signed_in, HTTP_ACCEPT_LANGUAGE="en").content == b"ru Asia/Tokyo"
    assert localised(tenant, person=_Person(), cookies=signed_in | chosen).content == b"en Asia/Tokyo"
    assert localised(tenant, cookies={settings.LANGUAGE_COOKIE_NAME: "tlh"}).content == b"en Europe/Berlin"


def test_a_language_asked_for_in_the_address_is_kept_in_a_cookie(settings: Any) -> None:
    response = localised(Tenant(slug="x", language="en", timezone="UTC"), "/?lang=ru")
    assert response.content == b"ru UTC"
    assert response.cookies[settings.LANGUAGE_COOKIE_NAME].value == "ru"
    assert response["Content-Language"] == "ru"
    assert {"Accept-Language", "Cookie"} <= {part.strip() for part in response["Vary"].split(",")}
    refused = localised(Tenant(slug="x", language="en", timezone="UTC"), "/?lang=<script>")
    assert settings.LANGUAGE_COOKIE_NAME not in refused.cookies


def test_language_and_zone_end_with_the_request() -> None:
    localised(Tenant(slug="x", language="ru", timezone="Asia/Tokyo"))
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en", "UTC")
