"""What may be wrong, and how to mend it: small checks that the apps register, asked together and bounded in time.

Each app says what it knows in its own `checkup.py`; this module knows no app. A check of the scope "tenant" runs
inside a tenant and tells what concerns that tenant alone: nothing of others, nothing of the platform's insides (N2).
A check of the scope "platform" is for operators.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection, transaction
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

State = Literal["ok", "warning", "problem", "unknown"]
Scope = Literal["tenant", "platform"]
# From the worst to the best: how findings are sorted, and what a whole is called.
STATES: tuple[State, ...] = ("problem", "warning", "unknown", "ok")
# No statement of a check runs longer, no call to another server is waited for longer, and after so long altogether
# the rest is not asked. A page waits for at most the sum of the last two.
STATEMENT_SECONDS = 2.0
CALL_SECONDS = 3.0
BUDGET_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: its state, a sentence, and what to do about it (empty where nothing is to be done)."""

    state: State
    message: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A finding with the code and name of the check that found it, and how long that took, in seconds."""

    code: str
    label: str
    state: State
    message: str
    todo: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check."""

    code: str
    label: Any
    scope: Scope
    run: Callable[[], Finding]


_checks: dict[str, Check] = {}


def check(code: str, label: Any, *, scope: Scope) -> Callable[[Callable[[], Finding]], Callable[[], Finding]]:
    """Register a function that looks at one thing. Codes never change; the order of registration is that of pages."""

    def register(function: Callable[[], Finding]) -> Callable[[], Finding]:
        _checks[code] = Check(code, label, scope, function)
        return function

    return register


def ok(message: str) -> Finding:
    """All is well."""
    return Finding("ok", message)


def warning(message: str, todo: str) -> Finding:
    """It works, and will not for long or not for all."""
    return Finding("warning", message, todo)


def problem(message: str, todo: str) -> Finding:
    """Something does not work."""
    return Finding("problem", message, todo)


def unknown(message: str, todo: str = "") -> Finding:
    """It could not be found out."""
    return Finding("unknown", message, todo)


def checks_of(scope: Scope) -> list[Check]:
    """Return the registered checks of a scope."""
    return [each for each in _checks.values() if each.scope == scope]


def results(scope: Scope, *, budget: float = BUDGET_SECONDS) -> list[Result]:
    """Ask all checks of a scope. Never raises and never takes much longer than `budget` seconds.

    For the scope "tenant" it is called inside the tenant.
    """
    began = time.monotonic()
    found = []
    for each in checks_of(scope):
        if time.monotonic() - began > budget:
            late = unknown(_("Not asked: the checks before it took too long."))
            found.append(Result(each.code, str(each.label), late.state, late.message, late.todo, 0.0))
        else:
            found.append(_asked(each))
    return found


def worst(found: list[Result]) -> State:
    """Return the worst state among the results; ok if there are none."""
    return next((state for state in STATES if any(each.state == state for each in found)), "ok")


def _asked(each: Check) -> Result:
    began = time.monotonic()
    try:
        with _short_statements():
            finding = each.run()
    except Exception as error:  # a check that fails is a finding, and the others are asked all the same
        logger.warning("check_failed", exc_info=True, extra={"check": each.code, "reason": type(error).__name__})
        finding = unknown(_("This could not be found out."), _("Try again in a minute."))
    seconds = round(time.monotonic() - began, 3)
    return Result(each.code, str(each.label), finding.state, finding.message, finding.todo, seconds)


@contextmanager
def _short_statements() -> Iterator[None]:
    """Let no statement of the block run longer than STATEMENT_SECONDS. No transaction is opened: a check may call
    other servers (O3). Inside one (tests, commands) a failed statement is kept from spoiling it."""
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{int(STATEMENT_SECONDS * 1000)}ms"])
        try:
            yield
        finally:
            if not connection.needs_rollback and connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('statement_timeout', %s, false)", [before])
