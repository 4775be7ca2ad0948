"""Who is told that places of quotas came free, in the transaction that frees them.

Whoever gives places back (orders, carts) or makes more of them (a larger quota) says so here as its last act, with the
quotas' rows still locked. Those who have waited for places get them before anybody else can claim them: waiting lists
stand above ticketing, so they register.
"""

from collections.abc import Callable, Collection

Listener = Callable[[Collection[int]], None]
_listeners: list[Listener] = []


def when_places_are_freed(function: Listener) -> Listener:
    """Have the function hear of quotas, by id, that may have more free places than a moment ago. Called inside the
    transaction. It waits for no lock and raises nothing: a buyer's cancellation never fails because of who waits."""
    if function not in _listeners:
        _listeners.append(function)
    return function


def places_freed(quotas: Collection[int]) -> None:
    """Say that places of these quotas came free. Call it when all of them are given back, before the commit."""
    if quotas:
        for listener in _listeners:
            listener(quotas)
