"""What an event tells besides what and when: whom to ask, how one takes part, what comes back."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.events.models import Event

TEXTS = ("contact_name", "contact_email", "contact_phone", "contact_url", "online_url")
_is_url = URLValidator(schemes=["http", "https"])


def fill_particulars(event: Event, fields: Mapping[str, Any], errors: list[FieldError]) -> None:
    """Put the given ones on the event; what is wrong is added to `errors`."""
    from tenant_apps.events.refunds import checked

    for name in TEXTS:
        if name in fields:
            text = " ".join(str(fields[name] or "").split())
            setattr(event, name, text)
            if fault := _fault(name, text):
                errors.append(FieldError(name, *fault))
    if "attendance" in fields:
        event.attendance = fields["attendance"] or Event.Attendance.ONSITE
        if event.attendance not in Event.Attendance.values:
            errors.append(FieldError("attendance", "invalid_choice", _("One of onsite, online, mixed.")))
    if "refund_tiers" in fields:
        try:
            event.refund_tiers = checked(fields["refund_tiers"])
        except InvalidInput as refused:
            errors.extend(refused.errors)


def _fault(name: str, text: str) -> tuple[str, str] | None:
    longest: int = Event._meta.get_field(name).max_length  # type: ignore[union-attr, assignment]  # a text column
    if len(text) > longest:
        return "too_long", _("At most %d characters.") % longest
    try:
        if text and name.endswith("_url"):
            _is_url(text)
        elif text and name == "contact_email":
            validate_email(text)
    except ValidationError:
        message = _("Enter a valid email address.") if name == "contact_email" else _("Enter a valid URL.")
        return "invalid", message
    return None
