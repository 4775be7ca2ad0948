"""A product that is broken on purpose: places are claimed without asking whether there are any.

`make race` starts it once, to see that an oversell would be seen. Only bench.settings knows of it, by
BENCH_MUTATION; the product has no such switch.
"""

from pathlib import Path
from typing import Any

from django.apps import AppConfig


class ClaimsWithoutCondition(AppConfig):
    name = "bench.mutation"
    label = "bench_mutation"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from shared_apps.core.capacity import LimitedCapacityQuerySet

        real = LimitedCapacityQuerySet._change

        def change(rows: Any, change: str, condition: str, pk: Any, places: int) -> bool:
            return real(rows, change, "true", pk, places)

        LimitedCapacityQuerySet._change = change  # type: ignore[method-assign]  # that is the mutation
