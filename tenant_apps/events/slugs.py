"""Addresses made from titles: small Latin letters, digits and hyphens, readable and unique."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from shared_apps.core.latin import latin_slug


def slug_from(title: str, *, fallback: str, length: int) -> str:
    """Return the title as a slug of at most `length` characters; never empty and never digits only.

    An address of digits only would be taken for an id.
    """
    slug = latin_slug(title)
    if len(slug) > length:
        cut = slug[: length + 1]
        slug = (cut.rpartition("-")[0] if "-" in cut[length // 2 :] else slug[:length]).strip("-")
    if not slug:
        return fallback
    return f"{fallback}-{slug}"[:length].rstrip("-") if slug.isdigit() else slug


def free_slug(model: Any, title: str, *, fallback: str) -> str:
    """Return a slug for the title that no row of the model has; one statement.

    Two at once may get the same one: the unique constraint decides, and the caller tries again.
    """
    length = model._meta.get_field("slug").max_length
    base = slug_from(title, fallback=fallback, length=length - 5)
    taken = set(
        model._default_manager.filter(Q(slug=base) | Q(slug__startswith=f"{base}-")).values_list("slug", flat=True)
    )
    return next(slug for slug in _candidates(base) if slug not in taken)


def _candidates(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
