"""Every endpoint of the API, on one page. Each app's file has `public_urls`, `tenant_urls` or both."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def _lists(name: str) -> tuple[list[Any], list[Any]]:
    if find_spec(f"api.v1.{name}") is None or find_spec(f"api.v1.{name}.urls") is None:
        return [], []
    module = import_module(f"api.v1.{name}.urls")
    return getattr(module, "public_urls", []), getattr(module, "tenant_urls", [])


public_urls: list[Any] = []
tenant_urls: list[Any] = []
for _name in ("accounts", "signup", "staff", "events", "ticketing", "orders", "payments", "imports"):
    _public, _tenant = _lists(_name)
    public_urls += _public
    tenant_urls += _tenant
