"""The order's life beside a plain model: a few short runs here, 200 whole ones of 40 steps by `make rules`."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes import Stripe
from tests.rules.driver import TIMEOUT_SECONDS, Driver
from tests.rules.machine import OrdersLife
from tests.rules.server import LastingServer

RUNS, STEPS = int(os.environ.get("RULES_RUNS", "6")), int(os.environ.get("RULES_STEPS", "25"))


class Provider(Stripe):
    """The fake, with each message in our hand: `kept_back` lists them, and each says what it is about."""

    def tell(self, address: str, make: Callable[[], tuple[bytes, dict[str, str]]]) -> None:
        event = json.loads(make()[0])

        def send() -> None:
            body, headers = make()
            parts = urlsplit(address)
            answer = requests.post(
                f"http://127.0.0.1:{parts.port}{parts.path}",
                data=body,
                headers={"Host": parts.netloc, **headers},
                timeout=TIMEOUT_SECONDS,
            )
            assert answer.status_code == 200, answer.text

        send.event = event  # type: ignore[attr-defined]  # a function may carry what it is about
        self.kept_back.append(send)


def test_whatever_happens_in_whichever_order_the_product_and_the_model_agree(
    alpha: Any, transactional_db: None, settings: Any, capsys: Any
) -> None:
    from tenant_apps.payments import accounts
    from tenants.context import in_tenant
    from tests.factories import owner_of
    from tests.payments.conftest import KEYS

    settings.API_RATE_PER_MINUTE = 10**9
    site = LastingServer()
    with Provider() as fake, closing(site):
        settings.STRIPE_API_BASE, settings.PLATFORM_PORT = fake.url, f":{site.port}"
        with in_tenant(alpha):
            accounts.connect("stripe", KEYS["stripe"], actor=owner_of(alpha))

        class Machine(OrdersLife):
            make_driver = staticmethod(lambda: Driver(alpha, site, fake))
            lengths: ClassVar[list[int]] = []

        run_state_machine_as_test(Machine, settings=limits())
    told = {
        "runs": len(Machine.lengths),
        f"runs_of_{STEPS}_steps": sum(steps >= STEPS for steps in Machine.lengths),
        "steps": sum(Machine.lengths),
        "divergences": 0,
    }
    with capsys.disabled():
        sys.stdout.write(f"\nRULES {json.dumps(told)}\n")
    assert told["steps"] > RUNS


def limits() -> Any:
    """The same acts each time in CI; new ones each time where many runs are asked for."""
    return settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None, print_blob=True,
        derandomize="RULES_RUNS" not in os.environ, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if "RULES_NO_SHRINK" in os.environ else [Phase.generate, Phase.shrink],
    )  # fmt: skip
