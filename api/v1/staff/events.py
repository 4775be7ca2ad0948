"""Events named in a body: only those that the caller may see exist (I2)."""

from typing import Any

from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.events.models import Event


def event_called(request: Any, given: str, *, field: str) -> Event:
    """Return the event by slug or id. Raises InvalidInput for one that is not there or not to be seen."""
    found: Event | None = Event.objects.visible_to(request.user).called(given).first()
    if found is None:
        raise InvalidInput(errors=[FieldError(field, "does_not_exist", _("There is no such event."))])
    return found
