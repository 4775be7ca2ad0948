"""What else than events staff can be granted rights on. The apps that have such things stand above staff, so they
say so here: the catalog's categories of products are the first."""

from collections.abc import Callable
from typing import Any

# Given a user, the names of the permissions that they hold on at least one thing of that kind.
Scope = Callable[[Any], frozenset[str]]

_scopes: list[Scope] = []


def register_scope(scope: Scope) -> None:
    """Add a kind of thing with grants. Called once, by the app that owns them."""
    if scope not in _scopes:
        _scopes.append(scope)


def granted_in_scopes(user: Any) -> frozenset[str]:
    """Return what the person was granted on anything but events; one statement for each kind."""
    return frozenset().union(*(scope(user) for scope in _scopes))
