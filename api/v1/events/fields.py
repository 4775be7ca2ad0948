"""Fields of events that serializers share."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.DATETIME)
class TimeInput(serializers.Field[Any, Any, Any, Any]):
    """A time as the client wrote it, with an offset or local to the event; the service places it in the zone (B3)."""

    default_error_messages = {
        "invalid_time": _("Write the time as 2026-05-31T19:30, or with an offset such as +02:00.")
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > 40:
            self.fail("invalid_time")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


BIGGEST = 2**63 - 1
BIGGEST_INTEGER = 2**31 - 1


def row_id(**options: Any) -> serializers.IntegerField:
    """A field for the id of a row, within the column's range (B2)."""
    return serializers.IntegerField(min_value=1, max_value=BIGGEST, **options)
