"""What the database refused, told by SQLSTATE and by the constraint's name in the message; nowhere else.

psycopg's `diag` is not read: behind Citus it is empty, and a shard's number is appended to the name, so names
are compared by their beginning.
"""

import functools
import random
import re
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, DataError, InterfaceError, OperationalError, connection
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Busy, Conflict, DomainError, InvalidInput

P = ParamSpec("P")
R = TypeVar("R")

LOCK_NOT_AVAILABLE = "55P03"
QUERY_CANCELLED = "57014"
SERIALIZATION_FAILURE = "40001"
DEADLOCK = "40P01"
UNIQUE_VIOLATION = "23505"
CHECK_VIOLATION = "23514"
MOST_TRIES = 3

_NAME = re.compile(r'(?:constraint|index) "([^"]+)"')


class Taken(Conflict):
    """A unique constraint said no, and no rule had a better word for it."""

    code = "already_exists"
    message = _("Something like this exists already.")


class StillInUse(Conflict):
    code = "still_in_use"
    message = _("This is still in use elsewhere.")


class OutOfRange(InvalidInput):
    code = "out_of_range"
    message = _("A number or date is out of range.")


class CharacterRefused(InvalidInput):
    code = "character_refused"
    message = _("The text contains a character that cannot be stored.")


class Unavailable(DomainError):
    """The database cannot be reached, is full, or is being restarted."""

    code, status, retry_after = "unavailable", 503, 5
    message = _("This is not available at the moment. Please try again in a few seconds.")


_BY_STATE: dict[str, type[DomainError]] = {
    LOCK_NOT_AVAILABLE: Busy,
    QUERY_CANCELLED: Busy,
    SERIALIZATION_FAILURE: Busy,
    DEADLOCK: Busy,
    UNIQUE_VIOLATION: Taken,
    CHECK_VIOLATION: Conflict,
    "23P01": Conflict,
    "23503": StillInUse,
    "23001": StillInUse,
    "22P05": CharacterRefused,
    "22021": CharacterRefused,
}
# The classes of SQLSTATE that name no single cause: data out of range, connection, resources, operator.
_BY_CLASS: dict[str, type[DomainError]] = {
    "22": OutOfRange,
    "08": Unavailable,
    "53": Unavailable,
    "57": Unavailable,
    "58": Unavailable,
}


def sqlstate(error: BaseException) -> str:
    """Return the five characters that Postgres gave this error, "" if it did not come so far."""
    cause: BaseException | None = error
    while cause is not None:
        state = getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None)
        if state:
            return str(state)
        cause = cause.__cause__
    return ""


def constraint_of(error: BaseException) -> str:
    """Return the constraint that the message names, "" if it names none. Behind Citus it ends in a shard's number."""
    found = _NAME.search(str(error))
    return found[1] if found else ""


def broke(error: BaseException, constraint: str) -> bool:
    """Tell whether it was this constraint, given by its name as the model declares it."""
    name = constraint_of(error)
    return name == constraint or bool(re.fullmatch(re.escape(constraint) + r"_\d+", name))


def refusal_of(error: DatabaseError | InterfaceError) -> DomainError | None:
    """Return what to tell the caller, or None for a fault of ours (then it is a 500 and somebody looks at it)."""
    if isinstance(error, ProtectedError | RestrictedError):
        return StillInUse()
    state = sqlstate(error)
    if found := _BY_STATE.get(state) or _BY_CLASS.get(state[:2]):
        return found()
    if state == "XX000" and "could not commit transaction" in str(error):
        return Busy()  # Citus: a deferred constraint at COMMIT; what was asked for did not happen
    if not state and isinstance(error, OperationalError | InterfaceError):
        return Unavailable()
    if not state and isinstance(error, DataError):
        return OutOfRange()
    return None


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Run a whole transaction again after a deadlock or serialization failure, three times at most in all (M2).

    For functions that open the outermost transaction themselves and make no outside call. Called inside a
    transaction it runs the function once: only whoever opened that can run it again.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return function(*args, **kwargs)
            except DatabaseError as error:
                last = attempt == MOST_TRIES or connection.in_atomic_block
                if last or sqlstate(error) not in (SERIALIZATION_FAILURE, DEADLOCK):
                    raise
                # Apart from each other, or the same two meet again.
                time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  (spreads load, guards nothing)
        raise AssertionError("unreachable")

    return run
