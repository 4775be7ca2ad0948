"""Rows that become letters: whatever is told by mail is asked for here, in the transaction that it belongs to (G1)."""

from typing import Any

from django.utils import timezone
from django.utils.translation import get_language

from shared_apps.accounts import tasks
from shared_apps.accounts.models import CODE_LIVES, EmailCode, User


def ask(purpose: str, email: str, *, schema_name: str, **fields: Any) -> EmailCode:
    """Write the row of a letter. The same statements whether the address is known or not (I7)."""
    row = EmailCode.objects.create(
        purpose=purpose,
        email=email,
        language=get_language() or "",
        schema_name=schema_name,
        expires_at=timezone.now() + CODE_LIVES,
        **fields,
    )
    tasks.send_soon(row.pk)
    return row


def tell(user: User, purpose: str, *, schema_name: str, email: str = "", about: str = "") -> None:
    """Tell the owner of an account what happened to it, at the address that it has, or at the one given.

    `about` is a word for the letter: the new address, the name of a service.
    """
    ask(purpose, email or user.email, schema_name=schema_name, user=user, name=about[:150])
