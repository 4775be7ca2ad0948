"""Rows of an event: locked for a change, or checked to be its own."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.events.models import Event


def locked(model: Any, pk: Any) -> Any:
    """Return the row with its event, locked until the transaction ends. Raises NotFound."""
    row = model.objects.select_for_update(of=("self",)).select_related("event").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def of_event(event: Event | None, rows: Iterable[Any], field: str) -> list[Any]:
    """Return the rows. Raises InvalidInput at the field if one is of another event."""
    rows = list(rows)
    if event is None or any(row.event_id != event.pk for row in rows):
        raise InvalidInput(errors=[FieldError(field, "does_not_exist", _("This belongs to another event."))])
    return rows


def ids(rows: Any) -> list[int]:
    """Return the ids of a relation's rows, for telling what changed."""
    return sorted(rows.values_list("pk", flat=True))
