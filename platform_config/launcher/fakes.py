"""Fake payment providers for development, so that a newcomer can pay with a test card in the browser."""

import sys
from collections.abc import Mapping

from platform_config.launcher import ports, processes
from platform_config.launcher.home import ROOT, Home
from platform_config.launcher.supervisor import Command, Part

# Provider -> the settings that say where it is. Whoever sets one of these wants the real thing.
ADDRESSES = {
    "stripe": ("STRIPE_API_BASE",),
    "paypal": ("PAYPAL_SANDBOX_BASE", "PAYPAL_API_BASE"),
    "freedompay": ("FREEDOMPAY_API_BASE",),
}


# The platform's own account at the fake of Stripe, so that plans can be bought too, and what it signs with.
PLATFORM_ACCOUNT = {
    "STRIPE_PLATFORM_KEY": "sk_test_foyer",
    "STRIPE_BILLING_WEBHOOK_SECRET": "whsec_foyer_billing",
    "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_foyer_connect",
}
PORTS = {"stripe": "STRIPE_FAKE_PORT", "paypal": "PAYPAL_FAKE_PORT", "freedompay": "FREEDOMPAY_FAKE_PORT"}


def wanted(settings: Mapping[str, str], development: str) -> bool:
    """True on a developer's machine with the tests at hand and no provider's address given."""
    if settings.get("DJANGO_SETTINGS_MODULE", development) != development:
        return False
    given = any(settings.get(name) for names in ADDRESSES.values() for name in names)
    return not given and (ROOT / "tests" / "fakes").is_dir()


def part_and_addresses(home: Home, settings: Mapping[str, str], port: int) -> tuple[Part, dict[str, str]]:
    """The part to start, and where web, worker and prepare find the providers. Ports stay the same from run to run.

    `port` is where the product listens: Stripe tells the platform there what became of its tenants' plans.
    """
    folder = home.folder / "fakes"
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {name: ports.kept_port(folder / f"{name}.port") for name in ADDRESSES}
    account = {name: settings.get(name) or value for name, value in PLATFORM_ACCOUNT.items()}
    environment = {
        **settings,
        **account,
        "STRIPE_FAKE_TELLS": f"http://localhost:{port}/api/v1/billing/webhooks/",
        **{PORTS[name]: str(number) for name, number in numbers.items()},
        "FOYER_HOME": str(home.folder),
        processes.MARK: str(home.folder),
    }
    log = home.logs / "fakes.log"
    part = Part("fakes", Command([sys.executable, "-m", "tests.fakes"], log, environment), log)
    addresses = {
        setting: f"http://{ports.LOOPBACK}:{numbers[name]}" for name, names in ADDRESSES.items() for setting in names
    }
    return part, {**addresses, **account}
