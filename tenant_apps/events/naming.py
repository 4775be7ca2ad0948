"""Categories, tags and venues that many rows name at once: made where they are missing, each with a free address."""

from typing import Any

from shared_apps.core.staging import Staging
from tenant_apps.events.models import Category, Tag, Venue
from tenant_apps.events.slugs import slug_from

MODELS: dict[str, Any] = {"category": Category, "tag": Tag, "venue": Venue}


def make_missing(staging: Staging, kind: str, named: str, *, by_address: bool = True) -> int:
    """Make the categories, tags or venues that `named` (a SELECT of `name`, `number`, and a venue's columns) finds no
    row for; returns how many. Venues are one by name and address, the others by name whatever the case.
    """
    model = MODELS[kind]
    table = model._meta.db_table
    if kind == "venue":
        same = "t.name = n.name" + (" AND t.address = n.address" if by_address else "")
        once, columns = "name, address" if by_address else "name", "name, address, city, latitude, longitude, timezone"
    else:
        same, once, columns = "upper(t.name) = upper(n.name)", "upper(name)", "name"
    missing = staging.fetch(
        f"SELECT DISTINCT ON ({once}) {columns} FROM ({named}) n WHERE name <> '' "
        f"AND NOT EXISTS (SELECT FROM {table} t WHERE {same}) ORDER BY {once}, number"
    )
    if not missing:
        return 0
    length = int(model._meta.get_field("slug").max_length or 0)
    bases = [slug_from(row[0], fallback=kind, length=length - 7) for row in missing]
    taken = {
        slug
        for (slug,) in staging.fetch(
            f"SELECT slug FROM {table} WHERE regexp_replace(slug, '-[0-9]{{1,6}}$', '') = ANY (%s)", list(set(bases))
        )
    }
    last: dict[str, int] = {}

    def free(base: str) -> str:
        place = last.get(base, 0)
        while True:
            place += 1
            slug = base if place == 1 else f"{base}-{place}"
            if slug not in taken:
                last[base] = place
                taken.add(slug)
                return slug

    staging.copy(
        table, ("slug", *columns.split(", ")), [(free(base), *row) for base, row in zip(bases, missing, strict=True)]
    )
    return len(missing)
