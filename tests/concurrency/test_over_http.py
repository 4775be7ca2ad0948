"""`make race`, `make race-gates` and `make faults` in short: the whole product on servers of its own, from outside."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Which leaves the prepared database where the runs find it.
pytestmark = pytest.mark.usefixtures("django_db_setup")
ROOT = Path(__file__).resolve().parent.parent.parent
# What the tests' own servers left in the environment: these runs start their own.
OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "FOYER_HOME", "FOYER_TEST", "DJANGO", "PYTEST")


def run_quick(module: str, *more: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        [sys.executable, "-m", module, "--quick", *more], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1].removeprefix("BENCH "))
    return found


def test_nobody_who_races_over_http_gets_more_than_there_is_and_a_broken_claim_is_seen() -> None:
    figures = run_quick("bench.race")
    nothing = ("oversold", "undersold", "client_errors", "refund_over", "breaches", "deadlocks")
    assert {name: figures[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert (figures["idempotency_effects"], figures["mutation_detected"]) == (1, 1)
    assert figures["attempts"] > 0


def test_no_ticket_that_is_scanned_at_many_gates_at_once_lets_two_people_in() -> None:
    figures = run_quick("bench.gate_race")
    nothing = ("not_one_admission", "wrong_answers", "unlike_repeats", "faults", "rows_too_few", "admitted_twice")
    assert {name: figures[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert (figures["admissions"], figures["scans"], figures["repeats"]) == (20, 2200, 2200)


def test_what_is_killed_in_the_middle_of_its_work_leaves_nothing_half_done() -> None:
    figures = run_quick("bench.faults")
    nothing = ("paid_without_ticket", "ticket_without_payment", "mail_lost", "ledger_difference_minor")
    assert {name: figures[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert (figures["kills"], figures["stuck_after_120s"], figures["breaches"]) == (5, 0, 0)


def test_an_empty_queue_and_a_dead_worker_lose_nothing_and_double_at_most_one_mail() -> None:
    figures = run_quick("bench.faults", "--only", "storm")
    nothing = (
        "lost", "left", "client_errors", "breaches", "copies_differing", "paid_without_ticket",
        "ledger_difference_minor",
    )  # fmt: skip
    assert {name: figures[f"storm_{name}"] for name in nothing} == dict.fromkeys(nothing, 0)
    assert figures["storm_kills"] == 1 and figures["storm_twice"] <= 1 and figures["storm_flushes"] >= 1
    assert figures["storm_effects"] > figures["storm_acts"] > 0
