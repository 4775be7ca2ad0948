"""The order's life beside a plain model: a few short runs here, 200 of 40 steps by `make rules`."""

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes import Stripe
from tests.rules.driver import Driver
from tests.rules.machine import OrdersLife

RUNS, STEPS = int(os.environ.get("RULES_RUNS", "6")), int(os.environ.get("RULES_STEPS", "25"))


class Provider(Stripe):
    """The fake, with each message in our hand: `kept_back` lists them, and each says what it is about."""

    def tell(self, address: str, make: Callable[[], tuple[bytes, dict[str, str]]]) -> None:
        event = json.loads(make()[0])

        def send() -> None:
            self._post(address, *make())

        send.event = event  # type: ignore[attr-defined]  # a function may carry what it is about
        self.kept_back.append(send)


def test_whatever_happens_in_whichever_order_the_product_and_the_model_agree(
    alpha: Any, site: Any, settings: Any, capsys: Any
) -> None:
    from tenant_apps.payments import accounts
    from tenants.context import in_tenant
    from tests.factories import owner_of
    from tests.payments.conftest import KEYS

    settings.API_RATE_PER_MINUTE = 10**9
    with Provider() as fake:
        settings.STRIPE_API_BASE = fake.url
        with in_tenant(alpha):
            accounts.connect("stripe", KEYS["stripe"], actor=owner_of(alpha))

        class Machine(OrdersLife):
            make_driver = staticmethod(lambda: Driver(alpha, site, fake))

        run_state_machine_as_test(Machine, settings=limits())
    with capsys.disabled():
        print(f"\nRULES {json.dumps({'runs': RUNS, 'steps': Machine.steps, 'divergences': 0})}")
    assert Machine.steps > RUNS


def limits() -> Any:
    """The same acts each time in CI; new ones each time where many runs are asked for."""
    return settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None, print_blob=True,
        derandomize="RULES_RUNS" not in os.environ, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if "RULES_NO_SHRINK" in os.environ else [Phase.generate, Phase.shrink],
    )  # fmt: skip
