"""Which public rows of a tenant outlive its erasure, and why. All others whose tenant is a CASCADE go.

A key that is PROTECT, SET_NULL or DO_NOTHING says by itself that the row stays.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

from tenants.models import Tenant
from tenants.schema_state import labels_of

_kept: dict[str, str] = {}


def keep(label: str, why: str) -> None:
    """Say that rows of a model, as "billing.Usage", stay. Once each, from `ready()` of its app."""
    _kept[label.lower()] = why


def rows_of(tenant: Tenant) -> Iterator[tuple[str, Any, str]]:
    """Give each public model that points at tenants: its label, its rows of this one, and why they stay ("": they
    go)."""
    for label in sorted(labels_of(settings.SHARED_APPS)):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            for field in model._meta.local_fields:
                if isinstance(field, models.ForeignKey) and field.related_model is Tenant:
                    yield model._meta.label, model._base_manager.filter(**{field.name: tenant.pk}), _why(model, field)


def _why(model: type[models.Model], field: models.ForeignKey[Any, Any]) -> str:
    known = _kept.get(model._meta.label_lower)
    if known is not None:
        return known
    return "" if field.remote_field.on_delete is models.CASCADE else "kept by its key"
