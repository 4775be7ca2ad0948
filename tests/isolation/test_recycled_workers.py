"""`make prove-isolation` in short: real workers that end, die and fail in the middle, over hosts with equal ids."""

from tests.concurrency.test_over_http import run_quick


def test_no_row_of_a_neighbour_is_shown_by_workers_that_fail_and_are_replaced() -> None:
    figures = run_quick("bench.isolation")
    nothing = (
        "wrong_rows", "foreign_in_answers", "foreign_in_tables", "foreign_in_log", "foreign_in_cache", "orders_lost",
        "unforced_errors",
    )  # fmt: skip
    assert {name: figures[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert (figures["equal_ids"], figures["mutation_detected"]) == (1, 1)
    assert figures["recycled"] > 0 and figures["forced"] > 20 and figures["requests"] == 800
