"""What of a change of an event concerns those who have tickets for it: its name, time and place."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

CONCERNS = ("title", "starts_at", "ends_at", "timezone", "venue")


def news(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of `event.updated`: {"news": {field: [before, after]}}, times in ISO 8601, the venue by id."""
    return {
        "news": {
            name: [_plain(before.get(name)), _plain(after[name])]
            for name in CONCERNS
            if name in after and before.get(name) != after[name]
        }
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
