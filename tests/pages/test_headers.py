"""Every answer carries the security headers, and no form of ours works from a sibling's page (P6, I6)."""

import re
from importlib import import_module

import pytest
from django.conf import settings
from django.test import Client

from api.routes import routes
from tenants.context import in_tenant
from tenants.provisioning import suspend
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of, sign_in

WANTED = {
    "X-Content-Type-Options": r"nosniff",
    "X-Frame-Options": r"DENY",
    "Referrer-Policy": r"same-origin|no-referrer",
    "Cross-Origin-Opener-Policy": r"same-origin",
    "Permissions-Policy": r"camera=\(self\).*",
    "Content-Security-Policy": r".*frame-ancestors 'none'.*",
}


def missing(answer):
    return [name for name, value in WANTED.items() if not re.fullmatch(value, answer.headers.get(name, ""))]


def policy(answer):
    found = answer["Content-Security-Policy"]
    assert "unsafe-eval" not in found
    assert not re.search(r"script-src[^;]*unsafe-inline", found)
    return found


@pytest.fixture
def addresses(alpha):
    """One address of each kind of answer: (tenant or None or host, method, path, status)."""
    with in_tenant(alpha):
        event = make_event("Night of Strings")
        order = make_paid_order(make_ticket_type(event))
        ticket = order.lines.get().ticket_id
    place = f"/orders/{order.code}/{order.secret}/"
    return [
        ("alpha", "get", "/", 200), ("alpha", "get", "/events/", 200), ("alpha", "get", f"/events/{event.slug}/", 200),
        ("alpha", "get", place, 200), ("alpha", "get", f"{place}tickets/{ticket}.png", None),
        ("alpha", "get", "/dashboard/", 302), ("alpha", "get", "/account/login/", 200),
        ("alpha", "get", "/nothing/", 404), ("alpha", "get", "/events", 308), ("alpha", "get", "/account/logout/", 405),
        ("alpha", "get", "/api/v1/events/", 200), ("alpha", "get", "/api/v1/nothing/", 404),
        ("alpha", "get", "/api/v1/me/", 401), ("alpha", "post", "/api/v1/auth/login/", 415),
        ("alpha", "put", "/api/v1/auth/login/", 405), ("alpha", "options", "/api/v1/events/", None),
        ("alpha", "get", "/api/docs/", 200), ("alpha", "get", "/api/schema/", 200),
        ("alpha", "get", "/?q=%00", 400), ("alpha", "get", f"/?q={'x' * 9000}", None),
        ("alpha", "get", "/static/css/base.css", 200), ("alpha", "get", "/static/js/foyer.js", 200),
        ("alpha", "get", "/static/nothing.css", 404), ("alpha", "get", "/account/avatars/nothing.webp", 404),
        ("", "get", "/", 200), ("", "get", "/signup/", 200), ("", "get", "/nothing/", 404),
        ("", "get", "/healthz", 200),
        ("", "get", "/readyz", 200), ("", "get", "/admin/", 302), ("", "get", "/api/docs/", 200),
        ("nobody-here", "get", "/", 404), ("nobody-here", "get", "/api/v1/events/", 404), ("beta", "get", "/", 403),
        ("beta", "get", "/api/v1/events/", 403),
    ]  # fmt: skip


def test_every_kind_of_answer_has_them(addresses, beta):
    suspend(beta)
    found = []
    for host, method, path, status in addresses:
        client = Client(HTTP_HOST=f"{host}.localhost" if host else "localhost")
        answer = getattr(client, method)(path)
        if status is not None and answer.status_code != status:
            found.append((host, path, answer.status_code))
        found += [(host, path, answer.status_code, name) for name in missing(answer)]
        policy(answer)
    assert found == []


def test_a_fault_has_them_too(alpha, monkeypatch):
    from tenant_apps.events.querysets import EventQuerySet

    def breaks(self, *args):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(EventQuerySet, "public", breaks)
    monkeypatch.setattr(EventQuerySet, "visible_to", breaks)
    client = Client(HTTP_HOST="alpha.localhost", raise_request_exception=False)
    for path in ("/events/", "/api/v1/events/"):
        answer = client.get(path)
        assert answer.status_code == 500 and missing(answer) == [] and b"hunter2" not in answer.content


def test_over_https_browsers_are_told_to_stay_there(alpha, settings):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    for host, path in (
        ("alpha.localhost", "/"),
        ("alpha.localhost", "/static/css/base.css"),
        ("nobody.localhost", "/"),
    ):
        answer = Client(HTTP_HOST=host).get(path, secure=True)
        assert "max-age=31536000" in answer["Strict-Transport-Security"], (host, path)


def test_pages_run_only_scripts_of_ours(alpha, page_for):
    for path in ("/", "/events/", "/account/login/"):
        assert re.search(r"script-src 'self' 'nonce-[^']+'", policy(page_for(alpha).get(path)))


def test_what_one_person_sees_is_in_no_cache(alpha, page_for, client_for):
    user = owner_of(alpha)
    for path in (
        "/",
        "/events/",
        "/dashboard/",
        "/account/",
        "/account/data/",
        "/account/tickets/",
        "/dashboard/settings/",
    ):
        answer = page_for(alpha, user).get(path)
        assert answer.status_code == 200 and "no-store" in answer["Cache-Control"], path
    assert "no-store" in client_for(alpha, user).get("/api/v1/me/")["Cache-Control"]


# --- Forms ----------------------------------------------------------------------------------------------------------

_EXAMPLE = {
    "uuid": "018f0000-0000-7000-8000-000000000000", "int": "1", "slug": "night", "str": "x", "path": "x",
    "export_format": "csv",
}  # fmt: skip
# Refuse whatever comes before a token is looked at: nobody is signed in to Django's admin here.
ELSEWHERE = ("/admin/", "/api/")
# Mail programs post there from nowhere (RFC 8058): the signed address is the proof, who is signed in counts for
# nothing, and all it does is end or resume mail of one kind (tests/notifications/test_unsubscribing.py).
ONE_CLICK = "/unsubscribe/"


def page_paths(urlconf, on_platform):
    for route in routes(import_module(urlconf).urlpatterns, on_platform=on_platform):
        if route.kind != "page" or route.path.startswith((*ELSEWHERE, ONE_CLICK)):
            continue
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: _EXAMPLE[found[1] or "str"], route.path)
        if "(" not in path and "^" not in path:
            yield path


@pytest.mark.parametrize(
    ("host", "urlconf", "sibling"),
    [("localhost", settings.PUBLIC_SCHEMA_URLCONF, "http://alpha.localhost"),
     ("alpha.localhost", settings.ROOT_URLCONF, "http://beta.localhost"),
     ("alpha.localhost", settings.ROOT_URLCONF, "http://localhost"),
     ("alpha.localhost", settings.ROOT_URLCONF, "https://evil.test"),
     ("alpha.localhost", settings.ROOT_URLCONF, "null")],
)  # fmt: skip
def test_no_page_takes_a_form_of_another_site_even_with_the_token(alpha, beta, host, urlconf, sibling):
    """A sibling can plant cookies that a browser sends along, so a matching token proves nothing: the Origin does."""
    client = Client(HTTP_HOST=host, enforce_csrf_checks=True)
    sign_in(client, owner_of(alpha))
    client.get("/account/")
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    paths = list(page_paths(urlconf, on_platform=urlconf == settings.PUBLIC_SCHEMA_URLCONF))
    assert len(paths) > 15
    let_in = []
    for path in paths:
        for method in ("post", "put", "patch", "delete"):
            body = {"csrfmiddlewaretoken": token} if method == "post" else ""
            answer = getattr(client, method)(path, body, HTTP_ORIGIN=sibling, HTTP_X_CSRFTOKEN=token)
            if answer.status_code != 403:
                let_in.append((method, path, answer.status_code))
            assert missing(answer) == []
    assert let_in == []


@pytest.mark.parametrize("urlconf", [settings.PUBLIC_SCHEMA_URLCONF, settings.ROOT_URLCONF])
def test_no_page_takes_a_form_without_the_token(alpha, urlconf):
    client = Client(HTTP_HOST="localhost" if "public" in urlconf else "alpha.localhost", enforce_csrf_checks=True)
    sign_in(client, make_user())
    for path in page_paths(urlconf, on_platform="public" in urlconf):
        assert client.post(path).status_code == 403, path
