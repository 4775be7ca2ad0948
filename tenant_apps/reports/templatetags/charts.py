"""Plots made on the server: SVG whose lengths are percentages, so it is sharp at every width and needs no script."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from shared_apps.core.plots import round_up
from shared_apps.core.templatetags.money import written
from tenant_apps.reports.queries import Day

register = template.Library()


@register.simple_tag
def sales_chart(days: Sequence[Day], currency: str) -> SafeString:
    """{% sales_chart days tenant.currency %}: revenue a day in one currency, with the same as a table."""
    amounts = [day.revenue.get(currency, 0) for day in days]
    top = round_up(max(amounts, default=0))
    step = 100 / max(len(days), 1)
    bars: list[dict[str, Any]] = []
    for index, (day, amount) in enumerate(zip(days, amounts, strict=True)):
        height = max(amount / top * 100, 1.5) if amount else 0
        bars.append(
            {
                "x": f"{index * step + step * 0.16:.2f}",
                "width": f"{step * 0.68:.2f}",
                "y": f"{100 - height:.2f}",
                "height": f"{height:.2f}",
                "day": day,
                "amount": written(amount, currency),
                # About six labels under thirty bars, the last one always.
                "labelled": (len(days) - 1 - index) % 7 == 0,
            }
        )
    lines = [{"y": f"{100 - share:.0f}", "label": written(top * share // 100, currency)} for share in (100, 50)]
    context = {"bars": bars, "lines": lines, "empty": not any(amounts)}
    return mark_safe(render_to_string("dashboard/_sales_chart.html", context))  # noqa: S308  (a rendered template)
