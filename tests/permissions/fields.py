"""What each route of the API takes in its body, read from the same OpenAPI document that clients read."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings

from api.routes import PLATFORM, Route


@cache
def _document(urlconf: str) -> dict[str, Any]:
    from drf_spectacular.generators import SchemaGenerator

    return SchemaGenerator(urlconf=urlconf).get_schema(request=None, public=True)


def taken_by(route: Route) -> dict[str, dict[str, Any]]:
    """Return the fields of the body by name, those inside of lists and objects as "lines.ticket_type"."""
    document = _document(settings.PUBLIC_SCHEMA_URLCONF if route.host == PLATFORM else settings.ROOT_URLCONF)
    # The document writes the parameters by its own names: {id} for <int:pk>.
    shape = re.sub(r"<[^>]+>", "{}", route.path)
    for path, methods in document["paths"].items():
        if re.sub(r"\{[^}]+\}", "{}", path) == shape and route.method.lower() in methods:
            body = methods[route.method.lower()].get("requestBody")
            if body is None:
                return {}
            return dict(_fields(document, next(iter(body["content"].values()))["schema"], ""))
    return {}


def _fields(document: dict[str, Any], schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, each in schema.get("properties", {}).items():
        if each.get("readOnly"):
            continue
        yield prefix + name, each
        inner = each.get("items", each)
        if "$ref" in inner or "properties" in inner:
            yield from _fields(document, inner, f"{prefix}{name}.")


@cache
def names_of_models() -> frozenset[str]:
    """Every model of ours as a field would call it: ticket_type, order, venue."""
    ours = [each for each in apps.get_models() if each.__module__.split(".")[0] in ("shared_apps", "tenant_apps")]
    return frozenset(re.sub(r"(?<!^)(?=[A-Z])", "_", each.__name__).lower() for each in ours) | {"list", "owner"}


def names_a_thing(name: str) -> bool:
    """Whether a field's name says that it holds the id, slug or code of something else."""
    last = name.rpartition(".")[2]
    if re.search(r"_(ids?|of|slug|slugs)$", last) and last != "external_id":
        return True
    singular = re.sub(r"ies$", "y", last) if last.endswith("ies") else last.removesuffix("s")
    return bool({last, singular} & names_of_models())
