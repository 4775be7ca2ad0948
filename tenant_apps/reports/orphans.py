"""Rows of tenants that name a person or permission that is gone.

No constraint crosses a schema (citus.md), so nothing in the database keeps these columns true; this asks.
"""

from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from tenants.schema_state import labels_of


class Orphans(NamedTuple):
    """So many rows whose column leads nowhere, with the ids of the first few."""

    column: str
    rows: int
    examples: tuple[str, ...]


def crossing_columns() -> list[models.ForeignKey]:
    """Every foreign key from a tenant's table to a table in public; from the models, so a new one is found too."""
    tenant_labels, shared_labels = labels_of(settings.TENANT_APPS), labels_of(settings.SHARED_APPS)
    return [
        field
        for label in sorted(tenant_labels)
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and not field.db_constraint  # type: ignore[attr-defined]  # only foreign keys get here
        and field.remote_field.model._meta.app_label in shared_labels
    ]


def find_orphans() -> list[Orphans]:
    """Return what leads nowhere in the present tenant: a statement for each crossing column, and one more if found."""
    found = []
    for field in crossing_columns():
        there = field.remote_field.model._base_manager.filter(pk=OuterRef(field.attname))
        lost = field.model._base_manager.filter(**{f"{field.attname}__isnull": False}).exclude(Exists(there))
        if rows := lost.count():
            examples = tuple(str(pk) for pk in lost.order_by("pk").values_list("pk", flat=True)[:5])
            found.append(Orphans(f"{field.model._meta.db_table}.{field.column}", rows, examples))
    return found
