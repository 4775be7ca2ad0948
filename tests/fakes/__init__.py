"""Payment providers as servers on this machine: they sign, keep books and fail as the real ones do.

`python -m tests.fakes` (or `make fakes`) serves all of them; tests start one by `Stripe().start()`.
Each has knobs at `POST /_knobs`, its own ledger at `GET /_ledger`, and the calls it got at `GET /_calls`.
"""

from tests.fakes.freedompay import FreedomPay
from tests.fakes.paypal import PayPal
from tests.fakes.stripe import Stripe

__all__ = ["FreedomPay", "PayPal", "Stripe"]
