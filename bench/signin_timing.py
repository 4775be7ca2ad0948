"""`make bench-signin-timing`: does the time of an answer tell whether an address has an account? (I7)

Asks login, registration and reset through the whole stack (Postgres, Valkey, the hasher of production), a known and an
unknown address in turn and in random order within each pair, so that what else the machine does falls on both alike.
Fails if the medians differ by more than 10 ms, or if an answer differs in status or body.
"""

import argparse
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

from bench.figures import Table, percentile
from bench.tenants import measured

WIDEST_GAP_MS = 10.0
WARM_UP = 20
PASSWORD, WRONG = "a-long-bench-password", "a-wrong-bench-password"
ENDPOINTS: dict[str, tuple[str, Callable[[str], dict[str, str]]]] = {
    "login": ("/api/v1/auth/login/", lambda email: {"email": email, "password": WRONG}),
    "register": (
        "/api/v1/auth/registration/",
        lambda email: {"email": email, "password1": PASSWORD, "password2": PASSWORD},
    ),
    "reset": ("/api/v1/auth/password/reset/", lambda email: {"email": email}),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.signin_timing", description=__doc__)
    parser.add_argument("--samples", type=int, default=1000, help="of known and of unknown addresses, each")
    options = parser.parse_args()
    with measured(f"Known and unknown addresses ({options.samples} of each)") as (table, _home):
        widest = run(table, options.samples)
    sys.exit(f"The widest gap is {widest:.2f} ms." if widest > WIDEST_GAP_MS else 0)


def run(table: Table, samples: int) -> float:
    import django

    django.setup()
    logging.disable(logging.WARNING)  # each wrong password would be a line
    from django.conf import settings
    from django.core.management import call_command

    from shared_apps.accounts.limits import DEFAULTS

    settings.ACCOUNT_LIMITS = dict.fromkeys(DEFAULTS, (10**9, 60))
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    return max(measure(table, name, samples) for name in ENDPOINTS)


def measure(table: Table, name: str, samples: int) -> float:
    """Return how far apart the two medians are, in milliseconds."""
    known = people(name, samples + WARM_UP)
    unknown = [email.replace("known", "other") for email in known]
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for number in range(samples + WARM_UP):
        pair = [(True, known[number]), (False, unknown[number])]
        random.shuffle(pair)
        for is_known, email in pair:
            took, answer = ask(name, email)
            if number >= WARM_UP:
                times[is_known].append(took)
            answers.add(answer)
    if len(answers) != 1:
        sys.exit(f"{name}: the answers differ: {answers}")
    medians = {is_known: statistics.median(values) for is_known, values in times.items()}
    gap = abs(medians[True] - medians[False])
    low, paired, high = spread([a - b for a, b in zip(times[True], times[False], strict=True)])
    table.figure(f"{name}_gap_ms", gap)
    table.figure(f"{name}_paired_gap_ms", paired)
    table.figure(f"{name}_paired_low_ms", low)
    table.figure(f"{name}_paired_high_ms", high)
    table.line(
        name,
        f"known {medians[True]:.2f} ms (p95 {percentile(times[True], 95):.1f}), "
        f"unknown {medians[False]:.2f} ms (p95 {percentile(times[False], 95):.1f}), gap {gap:.2f} ms; "
        f"known - unknown in pairs {paired:+.2f} ms, 95 % of such medians in {low:+.2f} to {high:+.2f}",
    )
    return gap


def spread(differences: list[float]) -> tuple[float, float, float]:
    """Return the median and the bounds of its 95 % confidence interval (order statistics of the binomial, z = 1.96).

    Bounds on both sides of zero: what the pairs show is not told apart from chance.
    """
    ordered, count = sorted(differences), len(differences)
    reach = 1.96 * count**0.5 / 2
    low, high = max(0, int(count / 2 - reach)), min(count - 1, int(count / 2 + reach) + 1)
    return ordered[low], statistics.median(ordered), ordered[high]


def people(name: str, count: int) -> list[str]:
    """Make people with confirmed addresses. Each is asked about once, so that no earlier answer warms a later one."""
    from django.contrib.auth.hashers import make_password
    from django.utils import timezone

    from shared_apps.accounts.models import User

    now, password = timezone.now(), make_password(PASSWORD)
    emails = [f"known-{name}-{number:05}@example.test" for number in range(count)]
    User.objects.bulk_create(User(email=email, password=password, email_verified_at=now) for email in emails)
    return emails


def ask(name: str, email: str) -> tuple[float, tuple[Any, ...]]:
    """Return the milliseconds of one request, and of its answer what people could compare."""
    from django.test import Client

    path, body = ENDPOINTS[name]
    client = Client(HTTP_HOST="localhost")
    started = time.perf_counter()
    response = client.post(path, body(email), content_type="application/json")
    took = (time.perf_counter() - started) * 1000
    answer = {key: value for key, value in response.json().items() if key != "request_id"}
    return took, (response.status_code, str(answer))


if __name__ == "__main__":
    main()
