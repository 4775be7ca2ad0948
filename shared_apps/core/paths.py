"""Addresses by their parts: of hundreds of patterns only those are tried that a path can match.

Django tries one pattern after the other. With some three hundred of them that was a sixth of what a request to the API
cost. Here a path's parts between slashes lead to the few patterns that have the same words in the same places; those
are tried by Django, in their order, so the first that fits answers as ever.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from django.urls import Resolver404, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

# Their values have no slash in them, so a part of a pattern stays one part of a path.
_ONE_PART = frozenset({"str", "slug", "int", "uuid"})
# How many sets of patterns are remembered with a resolver of their own; there are fewer than routes.
MOST_KEPT = 2048

_Parts = tuple[str | None, ...]


class PartsResolver(URLResolver):
    """Django's, but that it tries only patterns whose fixed parts are those of the path."""

    def resolve(self, path: Any) -> Any:
        """Return the match of the first pattern that fits. Raises Resolver404."""
        found = self.pattern.match(str(path))
        if not found:
            raise Resolver404({"path": path})
        numbers = self._candidates(found[0])
        if not numbers:
            raise Resolver404({"tried": [], "path": found[0]})
        return self._with(numbers).resolve(path)

    def _candidates(self, rest: str) -> tuple[int, ...]:
        parts = tuple(rest.split("/"))
        shapes, always = self._index
        numbers = list(always)
        for fixed, patterns in shapes.get(len(parts), ()):
            numbers += patterns.get(tuple(parts[place] for place in fixed), ())
        return tuple(sorted(numbers))

    @cached_property
    def _index(self) -> tuple[dict[int, list[tuple[tuple[int, ...], dict[_Parts, list[int]]]]], list[int]]:
        """By the number of parts: which places are fixed, and by what stands there the patterns' numbers; and those
        that are always tried."""
        always: list[int] = []
        shapes: dict[tuple[int, tuple[int, ...]], dict[_Parts, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, pattern in enumerate(self.url_patterns):
            parts = _parts_of(pattern)
            if parts is None:
                always.append(number)
                continue
            fixed = tuple(place for place, part in enumerate(parts) if part is not None)
            shapes[len(parts), fixed][tuple(parts[place] for place in fixed)].append(number)
        by_length: dict[int, list[tuple[tuple[int, ...], dict[_Parts, list[int]]]]] = defaultdict(list)
        for (length, fixed), patterns in shapes.items():
            by_length[length].append((fixed, dict(patterns)))
        return dict(by_length), always

    @cached_property
    def _with(self) -> Any:
        @lru_cache(maxsize=MOST_KEPT)
        def resolver(numbers: tuple[int, ...]) -> URLResolver:
            patterns = [self.url_patterns[number] for number in numbers]
            return URLResolver(self.pattern, patterns, self.default_kwargs, self.app_name, self.namespace)

        return resolver


def _parts_of(pattern: Any) -> _Parts | None:
    """What stands between the slashes, None where anything may; None for a pattern of which that cannot be told."""
    if not isinstance(pattern, URLPattern) or not isinstance(pattern.pattern, RoutePattern):
        return None
    if not all(type(each) in _one_part_types() for each in pattern.pattern.converters.values()):
        return None
    return tuple(None if "<" in part else part for part in str(pattern.pattern).split("/"))


@lru_cache(maxsize=1)
def _one_part_types() -> frozenset[type]:
    from django.urls.converters import get_converters

    return frozenset(type(converter) for name, converter in get_converters().items() if name in _ONE_PART)


def by_parts(route: str, included: tuple[Sequence[Any], str | None, str | None]) -> PartsResolver:
    """As `path(route, include(…))`, for many patterns: `by_parts("api/v1/", include((urls, "api")))`."""
    patterns, app_name, namespace = included
    return PartsResolver(RoutePattern(route, is_endpoint=False), patterns, None, app_name=app_name, namespace=namespace)
