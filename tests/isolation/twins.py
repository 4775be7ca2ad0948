"""Two tenants whose rows have the same ids, slugs and codes, and not one text in common.

Beta is a copy of alpha, row by row; then every text of both is filled with a word of its own (`canaries`). Whatever
looks something up by its id alone, in a cache, a process or the wrong schema, finds the twin's and shows its word.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.people import footprints
from tenant_apps.orders.cart_tokens import id_of, token_of
from tenant_apps.orders.footprints import as_they_are
from tenant_apps.orders.models import Order
from tenant_apps.reports.models import ReportSchedule
from tenant_apps.staff.models import ApiKey
from tenant_apps.ticketing.keys import new_key
from tenants import lookup
from tenants.context import in_public, in_tenant
from tests.factories import bearer, sign_in
from tests.isolation.canaries import KEPT, WORDS, Sown, sow
from tests.permissions import world as matrix_world
from tests.permissions.world import Actor, Place, World

# Of two keys a row has one.
EMPTY = ("customers.Like.product", "customers.Favourite.product")
TENANT_APPS = {name.rpartition(".")[2] for name in settings.TENANT_APPS}


@dataclass(repr=False)
class Twin:
    """One of the two: its places and callers, its own word and the other's."""

    tenant: Any
    world: World
    sown: Sown
    other_word: str

    @property
    def actors(self) -> list[Actor]:
        return self.world.actors

    @property
    def host(self) -> str:
        return f"{self.tenant.slug}.localhost"


def build() -> tuple[Twin, Twin]:
    """Make both. With real commits: what is kept for everybody is kept only of what is committed."""
    from tenants.models import Tenant

    alpha, beta = Tenant.objects.get(slug="alpha"), Tenant.objects.get(slug="beta")
    first = matrix_world.build_one(alpha, beta)
    first.actors = [actor for actor in first.actors if actor.name != "neighbour"]
    shared = {first.buyer.pk, *(actor.user.pk for actor in first.actors if actor.operator)}
    with in_tenant(alpha):
        fill_empty_tables()
    with transaction.atomic():
        people = _twin_people(alpha, beta, shared)
        _copy_rows(alpha, beta)
        _give_to(beta, people)
        _own_keys(beta)
        sown = {tenant.slug: sow(tenant) for tenant in (alpha, beta)}
        _sow_people(people, sown)
    for tenant in (alpha, beta):
        _keep_footprints(tenant)
        _sow_files(tenant)
    lookup.forget()
    alpha, beta = Tenant.objects.get(slug="alpha"), Tenant.objects.get(slug="beta")
    twins = []
    for tenant, other in ((alpha, beta), (beta, alpha)):
        actors = [_as_of(actor, tenant, people if tenant == beta else {}) for actor in first.actors]
        places = _places_in(tenant, first.places, people if tenant == beta else {})
        buyer = User.objects.get(pk=first.buyer.pk)
        world = World(alpha, beta, places, actors, buyer)
        twins.append(Twin(tenant, world, sown[tenant.slug], WORDS[other.slug]))
    return twins[0], twins[1]


def fill_empty_tables() -> None:
    """Make a row where the present tenant has none: a text that is nowhere could be shown nowhere."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label in TENANT_APPS and not model._base_manager.exists():
            _any_row(model)


def _any_row(model: Any) -> None:
    given: dict[str, Any] = {}
    for field in model._meta.local_concrete_fields:
        if field.generated or (field.primary_key and isinstance(field, models.AutoField)):
            continue
        if f"{model._meta.label}.{field.name}" in EMPTY:
            continue
        if field.remote_field is not None:
            found = field.remote_field.model._base_manager.order_by("pk").first()
            given[field.name] = found
        elif field.has_default() and not isinstance(field, models.CharField | models.TextField):
            continue
        elif field.choices:
            given[field.name] = field.choices[0][0]
        elif field.name == "currency":
            given[field.name] = "EUR"
        elif isinstance(field, models.CharField | models.TextField):
            empty = field.blank and f"{model._meta.label}.{field.name}" in KEPT
            given[field.name] = "" if empty else "x"
        elif isinstance(field, models.DateTimeField):
            given[field.name] = None if field.null else timezone.now()
        elif isinstance(field, models.DateField):
            given[field.name] = timezone.now().date()
        elif isinstance(field, ArrayField):
            given[field.name] = []
        elif isinstance(field, models.BinaryField):
            given[field.name] = b"x"
        elif isinstance(field, models.UUIDField):
            given[field.name] = uuid4()
        elif not field.null:
            given[field.name] = 1
    model._base_manager.bulk_create([model(**given)])


# --- Rows -----------------------------------------------------------------------------------------------------------


def _copy_rows(source: Any, target: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'django_migrations'",
            [target.schema_name],
        )
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute("TRUNCATE " + ", ".join(f'"{target.schema_name}"."{name}"' for name in tables))
        # Foreign keys are looked at when the transaction ends: the order does not matter.
        for name in tables:
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s AND is_generated = 'NEVER'",
                [source.schema_name, name],
            )
            (columns,) = cursor.fetchone()
            cursor.execute(
                f'INSERT INTO "{target.schema_name}"."{name}" ({columns}) OVERRIDING SYSTEM VALUE'
                f' SELECT {columns} FROM "{source.schema_name}"."{name}"'
            )
        cursor.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = %s AND last_value IS NOT NULL",
            [source.schema_name],
        )
        for name, value in cursor.fetchall():
            cursor.execute("SELECT setval(%s::regclass, %s)", [f'"{target.schema_name}"."{name}"', value])


def _twin_people(alpha: Any, beta: Any, shared: set[int]) -> dict[int, User]:
    """Somebody else for everybody of alpha's; who buys at both, and the platform's operator, are one."""
    people = {alpha.owner_id: User.objects.get(pk=beta.owner_id)}
    for user in User.objects.exclude(pk__in=[*shared, alpha.owner_id, beta.owner_id]):
        twin = User.objects.get(pk=user.pk)
        twin.pk, twin.email, twin._state.adding = None, f"twin-{user.email}", True
        twin.save()
        people[user.pk] = twin
    return people


def _give_to(tenant: Any, people: dict[int, User]) -> None:
    """What is somebody's at alpha is their twin's at beta."""
    pairs = ", ".join(f"({old}, {new.pk})" for old, new in people.items())
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            columns = [
                field.column
                for field in model._meta.local_concrete_fields
                if field.remote_field is not None and field.remote_field.model is User
            ] + (["actor_id"] if model._meta.label == "activity.AuditEntry" else [])
            table = f'"{tenant.schema_name}"."{model._meta.db_table}"'
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
            if not cursor.fetchone()[0]:
                continue
            for column in columns:
                cursor.execute(
                    f'UPDATE {table} t SET "{column}" = people.twin FROM (VALUES {pairs}) people(old, twin)'
                    f' WHERE t."{column}" = people.old'
                )
    with in_tenant(tenant):
        ReportSchedule.objects.update(recipients=[tenant.owner_id])


def _own_keys(tenant: Any) -> None:
    """Keys of its own, under the ids that alpha's have."""
    from tenant_apps.ticketing.models import EventKey

    with in_tenant(tenant):
        for key in EventKey.objects.all():
            fresh = new_key(key.event_id)
            EventKey.objects.filter(pk=key.pk).update(private_key=fresh.private_key, public_key=fresh.public_key)
        for number, api_key in enumerate(ApiKey.objects.order_by("pk")):
            digest = hashlib.sha256(_key_text(api_key.prefix, number).encode()).hexdigest()
            ApiKey.objects.filter(pk=api_key.pk).update(digest=digest)


def _key_text(prefix: str, number: int) -> str:
    return f"foyer_{prefix}_{str(number).rjust(43, 'b')}"


def _sow_people(people: dict[int, User], sown: dict[str, Sown]) -> None:
    codes = {slug: (each.code("accounts.User.name"), each.code("accounts.User.email")) for slug, each in sown.items()}
    for slug, pks in (("alpha", list(people)), ("beta", [twin.pk for twin in people.values()])):
        name, email = codes[slug]
        for pk in pks:
            User.objects.filter(pk=pk).update(name=f"{name}{pk}", email=f"{email}{pk}@example.test")


def _keep_footprints(tenant: Any) -> None:
    with in_tenant(tenant):
        left = as_they_are(list(Order.objects.values_list("pk", flat=True)))
        with in_public():
            for order_id, footprint in left.items():
                footprints.keep(tenant.pk, order_id, footprint)


def _sow_files(tenant: Any) -> None:
    """Pictures of alpha's are beta's too, by name; each file ends in its tenant's word."""
    source, target = Path(settings.MEDIA_ROOT) / "t_alpha", Path(settings.MEDIA_ROOT) / tenant.schema_name
    for file in [each for each in source.rglob("*") if each.is_file()]:
        own = target / file.relative_to(source)
        own.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes().removesuffix(WORDS["alpha"].encode())
        own.write_bytes(content + WORDS[tenant.slug].encode())


# --- Places and callers ---------------------------------------------------------------------------------------------


def _places_in(tenant: Any, places: dict[str, Place], people: dict[int, User]) -> dict[str, Place]:
    """The same things as this tenant has them."""
    with in_tenant(tenant):
        return {name: _place_in(tenant, place, people) for name, place in places.items()}


def _place_in(tenant: Any, place: Place, people: dict[int, User]) -> Place:
    def again(value: Any) -> Any:
        if not isinstance(value, models.Model):
            return value
        there = people.get(value.pk, value) if isinstance(value, User) else value
        return type(value)._base_manager.get(pk=there.pk)

    things = {name: again(value) for name, value in vars(place.things).items()}
    if token := things.get("cart_token"):
        with in_tenant("t_alpha"):
            cart = id_of(token)
        assert cart is not None
        things["cart_token"] = token_of(cart)
    return replace(
        place,
        tenant=tenant,
        event=again(place.event),
        buyer=again(place.buyer),
        order=again(place.order),
        pending=again(place.pending),
        things=SimpleNamespace(**things),
    )


def _as_of(actor: Actor, tenant: Any, people: dict[int, User]) -> Actor:
    """The same caller at this tenant: who is staff of one is nobody at the other."""
    here = replace(
        actor,
        roles={tenant.slug: actor.roles["alpha"]} if actor.roles else {},
        members={tenant.slug} if actor.members else set(),
    )
    if actor.key and people:
        with in_tenant(tenant):
            keys = list(ApiKey.objects.order_by("pk"))
        number = next(n for n, key in enumerate(keys) if key.prefix == actor.key.split("_")[1])
        return replace(here, key=_key_text(keys[number].prefix, number))
    if actor.user is None or actor.user.pk not in people:
        return here
    twin = people[actor.user.pk]
    browser = SimpleNamespace(cookies={})
    # Whose account is closed signed in before that.
    User.objects.filter(pk=twin.pk).update(is_active=True)
    sign_in(browser, twin)
    signed_in = replace(here, user=twin, bearer=bearer(twin), cookies=dict(browser.cookies))
    User.objects.filter(pk=twin.pk).update(is_active=actor.user.is_active and not actor.suspended)
    return signed_in
