"""One transaction for a whole act, whose claims come last, and which begins anew as a whole if it must.

What a rush waits for is the row of a counter: it should be locked by the last statement before the commit. But the
statement is written by who places an order, and the transaction is opened by who answers the request, with work of
its own to do in it. So the one says `last(claim)`, and the other runs everything in `whole(...)`.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from django.db import transaction

from shared_apps.core.database_errors import retrying
from shared_apps.core.errors import DomainError

R = TypeVar("R")
# Each refused claim may have met places that were given back meanwhile, or a price tier that ended.
MOST_ATTEMPTS = 5

_acts: ContextVar[list[Callable[[], None]] | None] = ContextVar("last_acts", default=None)


class Again(Exception):
    """Rolls everything back; then it is all done again if that is worth it, else the refusal is raised.

    `worth_it` is asked after the rollback, so it may commit something of its own, such as expired orders' places.
    """

    def __init__(self, refusal: DomainError, worth_it: Callable[[], bool] = lambda: True):
        super().__init__(refusal.code)
        self.refusal = refusal
        self.worth_it = worth_it


def whole(function: Callable[[], R]) -> R:
    """Run the function in one transaction, then what was given to `last`, then commit.

    Inside another `whole` it is a part of that one: no savepoint, and nothing of it stands if the outer one fails.
    So whoever catches a refusal that comes out of here must not go on writing inside an outer one. All of it runs
    again after a deadlock (M2) or `Again`, so it must call nothing outside.
    """
    if _acts.get() is not None:
        return function()
    for _attempt in range(MOST_ATTEMPTS):
        try:
            return _once(function)
        except Again as again:
            refusal = again.refusal
            if not again.worth_it():
                break
    raise refusal


@retrying
def _once(function: Callable[[], R]) -> R:
    with transaction.atomic():
        acts: list[Callable[[], None]] = []
        token = _acts.set(acts)
        try:
            result = function()
        finally:
            _acts.reset(token)
        if not transaction.get_rollback():
            for act in acts:
                act()
        return result


def last(act: Callable[[], None]) -> None:
    """Do this as the last thing before the commit of the `whole` that runs now; at once where there is none."""
    acts = _acts.get()
    if acts is None:
        act()
    else:
        acts.append(act)
