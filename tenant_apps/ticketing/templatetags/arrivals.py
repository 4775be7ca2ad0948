"""The plot of how people come in, minute by minute: SVG with percentages for lengths, and the same as a table."""

from collections.abc import Sequence
from typing import Any

from django import template

from shared_apps.core.plots import round_up
from tenant_apps.ticketing.live import Minute

register = template.Library()
LABEL_EVERY = 15


@register.inclusion_tag("dashboard/check_in/_arrivals.html")
def arrivals(minutes: Sequence[Minute], zone: str) -> dict[str, Any]:
    """{% arrivals numbers.minutes event.timezone %}: one bar a minute; times as the event's clock shows them."""
    # An axis that ends below four would make a crowd of one person.
    top = max(round_up(max((each.came for each in minutes), default=0)), 4)
    step = 100 / max(len(minutes), 1)
    bars = []
    for index, minute in enumerate(minutes):
        height = max(minute.came / top * 100, 1.5) if minute.came else 0
        bars.append(
            {
                "minute": minute,
                "x": f"{index * step + step * 0.12:.2f}",
                "width": f"{step * 0.76:.2f}",
                "y": f"{100 - height:.2f}",
                "height": f"{height:.2f}",
                "labelled": (len(minutes) - 1 - index) % LABEL_EVERY == 0,
            }
        )
    lines = [{"y": f"{100 - share}", "label": top * share // 100} for share in (100, 50)]
    return {"bars": bars, "lines": lines, "zone": zone, "empty": not any(each.came for each in minutes)}
