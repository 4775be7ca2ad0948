"""What is found by parts is what Django finds by trying everything."""

import random
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import Resolver404, URLPattern, URLResolver, include, path, re_path
from django.urls.resolvers import RegexPattern

from api.routes import routes
from shared_apps.core.paths import PartsResolver, by_parts

VALUES = ["", "x", "7", "gala-1", "0" * 8, "01a200e1-d420-7acf-8859-7f46030372b1", "mine", "a b", "Ё", "%", "-1"]


def plain(patterns: Any) -> list[Any]:
    """The same patterns in Django's own resolvers."""
    return [
        each if isinstance(each, URLPattern)
        else URLResolver(each.pattern, plain(each.url_patterns), each.default_kwargs, each.app_name, each.namespace)
        for each in patterns
    ]  # fmt: skip


def found(resolver: Any, address: str) -> Any:
    try:
        match = resolver.resolve(address)
    except Resolver404:
        return None
    return match.func, match.args, match.kwargs, match.route, match.view_name, match.namespaces


@pytest.mark.parametrize("urlconf", [settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF])
def test_every_address_and_many_that_are_none_lead_where_django_leads(urlconf: str) -> None:
    patterns = import_module(urlconf).urlpatterns
    quick, slow = (URLResolver(RegexPattern(r"^/"), each) for each in (patterns, plain(patterns)))
    chance = random.Random(51)
    known = {route.path for route in routes(patterns, on_platform=urlconf == settings.PUBLIC_SCHEMA_URLCONF)}
    words = sorted({part for each in known for part in each.split("/") if "<" not in part})
    asked = hits = 0
    for each in sorted(known):
        for _try in range(12):
            parts = [chance.choice(VALUES) if "<" in part else part for part in each.split("/")]
            if _try > 6:
                place = chance.randrange(1, len(parts)) if len(parts) > 1 else 0
                parts[place] = chance.choice(words)
            if _try > 9:
                parts.insert(chance.randrange(1, len(parts) + 1), chance.choice(words))
            address = "/".join(parts)
            wanted = found(slow, address)
            assert found(quick, address) == wanted, address
            asked, hits = asked + 1, hits + (wanted is not None)
    assert asked > 1000 and hits > len(known) / 2


def test_the_first_pattern_that_fits_answers_wherever_its_words_stand() -> None:
    def page(name: str) -> Any:
        def view(request: object, **kwargs: object) -> HttpResponse:
            return HttpResponse(name)

        return view

    patterns = [
        path("events/new/", page("new"), name="new"),
        path("events/<str:slug>/", page("one"), name="one"),
        path("events/mine/", page("never"), name="never"),
        re_path(r"^events/(?P<year>\d{4})/all/$", page("year"), name="year"),
        path("events/<path:rest>", page("rest"), name="rest"),
        path("<slug:slug>/", page("slug"), name="slug"),
        path("<slug:slug>.txt", page("text"), name="text"),
    ]
    resolver = by_parts("site/", include((patterns, "app")))
    assert isinstance(resolver, PartsResolver)
    for address, name in {
        "site/events/new/": "new", "site/events/mine/": "one", "site/events/2031/all/": "year",
        "site/events/a/b/c": "rest", "site/news/": "slug", "site/robots.txt": "text",
    }.items():  # fmt: skip
        match = resolver.resolve(address)
        assert (match.url_name, match.namespaces) == (name, ["app"]), address
    for address in ("site/", "site/a b/", "other/events/new/"):
        with pytest.raises(Resolver404):
            resolver.resolve(address)


def test_few_patterns_are_tried(monkeypatch: Any) -> None:
    tried = []
    real = URLPattern.resolve
    monkeypatch.setattr(URLPattern, "resolve", lambda pattern, rest: tried.append(pattern) or real(pattern, rest))
    resolver = URLResolver(RegexPattern(r"^/"), import_module(settings.ROOT_URLCONF).urlpatterns)
    for address in ("/api/v1/orders/ABC/cancel/", "/api/v1/nowhere/", "/dashboard/events/gala/edit/", "/events/gala/"):
        tried.clear()
        found(resolver, address)
        assert len(tried) < 10, (address, len(tried))
