"""`python -m tests.fakes`: all providers on ports of their own, their books in files below FOYER_HOME.

Ports: STRIPE_FAKE_PORT 8011, PAYPAL_FAKE_PORT 8012, FREEDOMPAY_FAKE_PORT 8013.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from tests.fakes import FreedomPay, PayPal, Stripe


def tell_platform(fake: Stripe, address: str) -> None:
    """Have Stripe tell the platform of its own customers, and of accounts that tenants linked to its own."""
    fake.register_platform(
        os.environ["STRIPE_PLATFORM_KEY"], f"{address}stripe/", os.environ["STRIPE_BILLING_WEBHOOK_SECRET"]
    )
    fake.connect_endpoint = (f"{address}stripe-connect/", os.environ["STRIPE_CONNECT_WEBHOOK_SECRET"])


def main() -> int:
    """Serve until a signal comes; say where."""
    home = Path(os.environ.get("FOYER_HOME") or "var") / "fakes"
    home.mkdir(parents=True, exist_ok=True)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    running = []
    for kind, variable, port in (
        (Stripe, "STRIPE_FAKE_PORT", 8011),
        (PayPal, "PAYPAL_FAKE_PORT", 8012),
        (FreedomPay, "FREEDOMPAY_FAKE_PORT", 8013),
    ):
        wanted = int(os.environ.get(variable) or port)
        fake = kind(wanted, home / f"{kind.name}.sqlite3")
        if isinstance(fake, Stripe) and (tells := os.environ.get("STRIPE_FAKE_TELLS")):
            tell_platform(fake, tells)
        fake.start()
        running.append(fake)
        sys.stdout.write(f"{kind.name:<12} {fake.url}\n")
        sys.stdout.flush()
    over.wait()
    for fake in running:
        fake.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
