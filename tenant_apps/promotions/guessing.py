"""Codes are not to be found by trying."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from shared_apps.core import limits
from shared_apps.core.addresses import client_address, network_of
from shared_apps.core.errors import TooManyRequests
from tenant_apps.promotions.errors import UnknownVoucher
from tenants.database import connection

# Wrong codes from one network; right ones do not count, so a queue of buyers behind one address is not stopped.
MOST_WRONG = 100
SECONDS = 600


@contextmanager
def guarded(request: HttpRequest, code: str) -> Iterator[None]:
    """Run what looks a voucher up; count it if there is no such code. Raises TooManyRequests."""
    if not code.strip():
        yield
        return
    source = network_of(client_address(request))
    decision = limits.hit(f"voucher:{connection.schema_name}:{source}", MOST_WRONG, SECONDS)
    if not decision.allowed:
        raise TooManyRequests(retry_after=decision.reset_after)
    wrong = False
    try:
        yield
    except UnknownVoucher:
        wrong = True
        raise
    finally:
        if not wrong:
            limits.take_back(decision)
