"""Other services' accounts that are linked with one of ours: which they are, unlinking, linking again.

What is unlinked stays known and signs nobody in (`Unlinking`). Were it gone, the next login through that service would
link it again by the verified address, and who unlinks a stolen account there would have done nothing.
"""

from collections.abc import Iterable
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from shared_apps.accounts import letters, trail
from shared_apps.accounts.errors import LastSignIn
from shared_apps.accounts.models import EmailCode, Unlinking, User
from shared_apps.core.errors import NotFound


def names() -> dict[str, str]:
    """Return the services that are configured here, by id."""
    configured_here: Any = settings.SOCIALACCOUNT_PROVIDERS
    return {str(app["provider_id"]): str(app["name"]) for app in configured_here["openid_connect"]["APPS"]}


def name_of(provider_id: str) -> str:
    return names().get(provider_id, provider_id)


def is_unlinked(row: SocialAccount) -> bool:
    return hasattr(row, "unlinking")


def links_of(user: Any) -> "QuerySet[SocialAccount]":
    """Return what is or was linked with the person's account, oldest first."""
    rows: QuerySet[SocialAccount] = SocialAccount.objects.select_related("unlinking").filter(user_id=user.pk)
    return rows.order_by("pk")


def can_unlink(user: Any, rows: Iterable[SocialAccount] | None = None) -> set[int]:
    """Return the ids of the links whose end leaves a way to sign in: a password, or another link that works here."""
    linked = [row for row in (links_of(user) if rows is None else rows) if not is_unlinked(row)]
    working = {row.pk for row in linked if row.provider in names()}
    return {row.pk for row in linked if user.has_usable_password() or working - {row.pk}}


def unlink(user: User, link_id: int, *, schema_name: str) -> None:
    """Let a service sign nobody in any longer. Raises LastSignIn rather than lock the owner out.

    Nothing happens to one that is unlinked already.
    """
    with transaction.atomic():
        # Of two that end the last two links at once, the second one sees what the first has left.
        owner = User.objects.select_for_update().get(pk=user.pk)
        row = _own(owner, link_id)
        if is_unlinked(row):
            return
        if row.pk not in can_unlink(owner):
            raise LastSignIn
        Unlinking.objects.create(account=row)
        letters.tell(owner, EmailCode.Purpose.UNLINKED, schema_name=schema_name, about=name_of(row.provider))
        trail.note("social.unlinked", owner.pk, provider=row.provider)


def link_again(user: User, link_id: int, *, schema_name: str) -> None:
    """Let a service that was unlinked sign in again. Who calls has asked for a proof (`second_factor.prove`)."""
    with transaction.atomic():
        owner = User.objects.select_for_update().get(pk=user.pk)
        row = _own(owner, link_id)
        deleted, _rows = Unlinking.objects.filter(account=row).delete()
        if not deleted:
            return
        letters.tell(owner, EmailCode.Purpose.LINKED, schema_name=schema_name, about=name_of(row.provider))
        trail.note("social.linked", owner.pk, provider=row.provider)


def _own(owner: User, link_id: int) -> SocialAccount:
    row = links_of(owner).filter(pk=link_id).first()
    if row is None:
        raise NotFound
    return row
