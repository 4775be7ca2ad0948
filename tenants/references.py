"""What a tenant's rows point at in public, without a constraint (docs/decisions/0002): people, and permissions.

A backup takes along who these people are. A restore finds each again: the same row, else who has the address now, else
somebody made anew without a password. Where that is another number than then, the tenant's rows get the new one.
"""

# ruff: noqa: S608  (identifiers come from our own models and are quoted)

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models, transaction
from django.db.models.functions import Lower

from shared_apps.accounts.models import User, small_letters
from shared_apps.core import personal
from tenants import catalog
from tenants.database import connection
from tenants.schema_state import labels_of

PEOPLE = ("id", "email", "name", "language", "timezone", "email_verified_at", "is_active", "date_joined")
BATCH = 1000
# Where ids wait while others move: below those of programs, which are negative too, and within four bytes.
AWAY = -(10**9)


@dataclass(frozen=True)
class Column:
    """A column of a tenant's table that holds ids of rows in public."""

    table: str
    name: str


@dataclass
class Found:
    """How a backup's people were found again: new ids where they differ, and how many had to be made."""

    moved: dict[int, int] = field(default_factory=dict)
    made: int = 0

    def of(self, user_id: int | None) -> int | None:
        return None if user_id is None else self.moved.get(user_id, user_id)


def columns_of_people() -> list[Column]:
    """Every column with ids of people: foreign keys, and numbers that an app spoke for as personal (P3)."""
    spoken = personal.spoken_for()
    found = []
    for model in _tenant_models():
        for each in model._meta.local_fields:
            key = isinstance(each, models.ForeignKey) and each.related_model is User
            # Positive ones: programs stand in the same columns with negative numbers (`staff.actors`).
            number = type(each) is models.BigIntegerField and (model._meta.label_lower, each.name) in spoken
            if key or number:
                found.append(Column(model._meta.db_table, str(each.column)))
    return found


def columns_of_permissions() -> list[Column]:
    """Every column with ids of Django's permissions: guardian's grants."""
    return [
        Column(model._meta.db_table, str(each.column))
        for model in _tenant_models()
        for each in model._meta.local_fields
        if isinstance(each, models.ForeignKey) and each.related_model is Permission
    ]


def _tenant_models() -> Iterator[type[models.Model]]:
    for label in sorted(labels_of(settings.TENANT_APPS)):
        yield from apps.get_app_config(label).get_models(include_auto_created=True)


def statement_for_people(tables: Mapping[str, catalog.Table]) -> str:
    """Return the SELECT of all people that rows of the schema on the search path name, and of %(owner)s; its columns
    are `PEOPLE`."""
    names = ", ".join(_quoted(name) for name in PEOPLE)
    return f"SELECT {names} FROM public.{_quoted(User._meta.db_table)} WHERE id IN ({_ids(tables)})"


def _ids(tables: Mapping[str, catalog.Table]) -> str:
    parts = [
        f"SELECT {_quoted(each.name)} FROM {_quoted(each.table)} WHERE {_quoted(each.name)} > 0"
        for each in columns_of_people()
        if each.table in tables
    ]
    return " UNION ".join(["SELECT %(owner)s::bigint", *parts])


def permissions_in(cursor: Any, tables: Mapping[str, catalog.Table]) -> dict[str, str]:
    """Return the permissions that rows of the schema on the search path name: id -> "app.model.codename"."""
    wanted = " UNION ".join(
        f"SELECT {_quoted(each.name)} FROM {_quoted(each.table)}"
        for each in columns_of_permissions()
        if each.table in tables
    )
    if not wanted:
        return {}
    cursor.execute(
        "SELECT p.id, c.app_label || '.' || c.model || '.' || p.codename FROM public.auth_permission p"
        f" JOIN public.django_content_type c ON c.id = p.content_type_id WHERE p.id IN ({wanted})"
    )
    return {str(key): name for key, name in cursor.fetchall()}


# --- Finding them again ----------------------------------------------------------------------------------------------


def find_people(kept: Iterable[Mapping[str, Any]]) -> Found:
    """Find a backup's people in public, batch by batch; who is nowhere is made, without a password.

    Safe to repeat: who was made by a first try is found by address in the second.
    """
    found = Found()
    batch: list[Mapping[str, Any]] = []
    for each in kept:
        batch.append(each)
        if len(batch) == BATCH:
            _find(batch, found)
            batch = []
    _find(batch, found)
    return found


def _find(batch: list[Mapping[str, Any]], found: Found) -> None:
    with transaction.atomic():
        joined = dict(User.objects.filter(pk__in=[each["id"] for each in batch]).values_list("pk", "date_joined"))
        # Numbers are never given twice, and nobody changes when they joined: the same pair is the same person, whatever
        # they are called by now, and an erased one stays erased.
        lost = [each for each in batch if joined.get(each["id"]) != each["date_joined"]]
        if not lost:
            return
        emails = [small_letters(each["email"]) for each in lost]
        there = dict(
            User.objects.alias(small=Lower("email")).filter(small__in=emails).values_list(Lower("email"), "pk")
        )
        for each in lost:
            email = small_letters(each["email"])
            if email not in there:
                there[email] = _made(each).pk
                found.made += 1
            if there[email] != each["id"]:
                found.moved[each["id"]] = there[email]


def _made(each: Mapping[str, Any]) -> User:
    """An account with nothing to sign in by. The address is proved anew when its owner asks for a password."""
    return User.objects.create_user(
        each["email"],
        None,
        name=each["name"],
        language=each["language"],
        timezone=each["timezone"],
        is_active=each["is_active"] and not personal.is_erased(each["email"]),
        date_joined=each["date_joined"],
    )


def find_permissions(kept: Mapping[str, str]) -> dict[int, int]:
    """Return the new ids of permissions that have others here."""
    names = {
        f"{app}.{model}.{codename}": key
        for key, app, model, codename in Permission.objects.values_list(
            "pk", "content_type__app_label", "content_type__model", "codename"
        )
    }
    return {int(key): names[name] for key, name in kept.items() if name in names and names[name] != int(key)}


def renumber(
    cursor: Any, columns: Iterable[Column], tables: Mapping[str, catalog.Table], moved: dict[int, int]
) -> None:
    """Give rows of the schema on the search path the new ids. In two steps, since two people may change places."""
    if not moved:
        return
    pairs = list(moved.items())
    for each in columns:
        if each.table not in tables:
            continue
        table, name = _quoted(each.table), _quoted(each.name)
        for start in range(0, len(pairs), BATCH):
            some = pairs[start : start + BATCH]
            marks = ", ".join(["(%s::bigint, %s::bigint)"] * len(some))
            cursor.execute(
                f"UPDATE {table} SET {name} = v.new FROM (VALUES {marks}) AS v (old, new) WHERE {name} = v.old",
                [number for old, new in some for number in (old, AWAY - new)],
            )
        cursor.execute(f"UPDATE {table} SET {name} = {AWAY} - {name} WHERE {name} <= {AWAY}")


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
