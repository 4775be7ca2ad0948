"""Pictures of people. The file is written before its row and removed after: a crash leaves a file too many at worst."""

from collections.abc import Collection
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from shared_apps.accounts.models import User
from shared_apps.core.images import re_encoded
from shared_apps.people.models import Avatar

FOLDER = "avatars"
SIDE = 256


def set_avatar(user: User, upload: Any, *, field: str = "image") -> Avatar:
    """Take an uploaded picture as the person's. Raises ImageRefused, ImageTooLarge (B6)."""
    picture = re_encoded(upload, longest=SIDE, square=True, field=field)
    default_storage.save(f"{FOLDER}/{picture.name}", ContentFile(picture.content))
    with transaction.atomic():
        before = Avatar.objects.select_for_update().filter(user=user).first()
        avatar, _made = Avatar.objects.update_or_create(user=user, defaults={"file": picture.name})
    if before is not None:
        _remove_file(before.file)
    return avatar


def remove_avatar(user_id: int) -> None:
    """Take the person's picture away, file and all. Where there is none, nothing happens."""
    for avatar in Avatar.objects.filter(user_id=user_id):
        _remove_file(avatar.file)
        avatar.delete()


def content_of(file: str) -> bytes | None:
    """Return a picture's bytes; None for a name that stands for nothing."""
    if not Avatar.objects.filter(file=file).exists():
        return None
    try:
        with default_storage.open(f"{FOLDER}/{file}") as opened:
            content: bytes = opened.read()
            return content
    except OSError:
        return None


def address_of(user: User) -> str | None:
    """Return the path of the person's picture, good on every host."""
    file = Avatar.objects.filter(user_id=user.pk).values_list("file", flat=True).first()
    return f"/account/avatars/{file}" if file else None


def addresses_of(user_ids: Collection[int]) -> dict[int, str]:
    """Return the paths of these people's pictures, of those who have one. One statement."""
    files = Avatar.objects.filter(user_id__in=user_ids).values_list("user_id", "file")
    return {user_id: f"/account/avatars/{file}" for user_id, file in files}


def _remove_file(file: str) -> None:
    default_storage.delete(f"{FOLDER}/{file}")


def picture_of(user_id: int) -> bytes | None:
    """Return the person's picture, if they have one."""
    file = Avatar.objects.filter(user_id=user_id).values_list("file", flat=True).first()
    return content_of(file) if file else None
