"""Which addresses a new tenant may have, and free ones that resemble those it may not (N5).

A host name is a promise of who stands behind it. So an address is refused not only if somebody has or had it, but
also if readers would take it for another one: `aur0ra` for `aurora`, `rnoon` for `moon`, `paymen-ts` for `payments`.
"""

from functools import cache

from django.core.exceptions import ValidationError

from shared_apps.core.latin import latin_slug
from tenants.context import in_public
from tenants.database import connection
from tenants.errors import SlugInvalid, SlugLooksAlike, SlugReserved, SlugTaken
from tenants.models import RESERVED_SLUGS, RetiredSlug, Tenant, validate_slug

ENDINGS = ("tickets", "events", "hall", "2", "3", "4", "5")
# The same in both languages: `skeleton` for one that is typed, `_SKELETON` for those that are there.
_SKELETON = "replace(replace(translate(slug, '01-', 'ol'), 'rn', 'm'), 'vv', 'w')"
_ALIKE = f"""
SELECT 1 FROM tenants_tenant WHERE {_SKELETON} = %(skeleton)s AND slug <> %(slug)s
    AND (owner_id IS DISTINCT FROM %(owner)s OR owner_id IS NULL)
UNION ALL
SELECT 1 FROM tenants_retiredslug r LEFT JOIN tenants_tenant t ON t.id = r.tenant_id
    WHERE {_SKELETON.replace("slug", "r.slug")} = %(skeleton)s AND r.slug <> %(slug)s
    AND (t.owner_id IS DISTINCT FROM %(owner)s OR t.owner_id IS NULL)
LIMIT 1
"""  # noqa: S608  (built from the constants above)


def check_slug(slug: str, *, of: Tenant | None = None) -> None:
    """Raise SlugInvalid, SlugReserved or SlugTaken unless a new tenant, or this one again, may have this slug (N5)."""
    try:
        validate_slug(slug)
    except ValidationError as error:
        refusal = SlugReserved if error.code == "slug_reserved" else SlugInvalid
        raise refusal(suggestions=suggestions(slug)) from None
    if skeleton(slug) in _reserved_skeletons():
        raise SlugReserved(suggestions=suggestions(slug))
    with in_public():
        retired = RetiredSlug.objects.filter(slug=slug)
        if (retired.exclude(tenant_id=of.pk) if of else retired).exists():
            raise SlugTaken(suggestions=suggestions(slug))


def check_free(slug: str, *, owner_id: int | None = None) -> None:
    """Raise what opening a tenant at this slug would raise, without opening one: for who is still typing."""
    check_slug(slug)
    with in_public():
        if Tenant.objects.filter(slug=slug).exists():
            raise SlugTaken(suggestions=suggestions(slug))
        refuse_look_alike(slug, owner_id=owner_id)


def refuse_look_alike(slug: str, *, owner_id: int | None) -> None:
    """Raise SlugLooksAlike if it reads like the slug of somebody else. One's own may be alike."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_ALIKE, {"skeleton": skeleton(slug), "slug": slug, "owner": owner_id})
        if cursor.fetchone():
            raise SlugLooksAlike(suggestions=suggestions(slug))


def skeleton(slug: str) -> str:
    """Return what is left of a slug for a reader who does not look closely: digits that look like letters are letters,
    pairs that look like one letter are one, and hyphens are nothing."""
    return slug.translate(_LOOKS).replace("rn", "m").replace("vv", "w")


_LOOKS = str.maketrans({"0": "o", "1": "l", "-": None})


@cache
def _reserved_skeletons() -> frozenset[str]:
    return frozenset(map(skeleton, RESERVED_SLUGS))


def suggestions(slug: str, most: int = 3) -> list[str]:
    """Return free slugs that resemble the one that cannot be had; letters of other alphabets are written in Latin."""
    stem = latin_slug(slug)[:32].strip("-")
    if len(stem) < 2:
        return []
    wanted = [stem, *(f"{stem}-{ending}" for ending in ENDINGS)]
    with in_public():
        taken = set(Tenant.objects.filter(slug__in=wanted).values_list("slug", flat=True))
        taken |= set(RetiredSlug.objects.filter(slug__in=wanted).values_list("slug", flat=True))
        found = [one for one in wanted if one not in taken and one != slug and _valid(one)]
        return [one for one in found if not _looks_alike(one)][:most]


def _looks_alike(slug: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, {"skeleton": skeleton(slug), "slug": slug, "owner": None})
        return cursor.fetchone() is not None


def _valid(slug: str) -> bool:
    try:
        validate_slug(slug)
    except ValidationError:
        return False
    return skeleton(slug) not in _reserved_skeletons()
