"""Pictures of events: writing them, and removing their files once the rows are gone."""

from typing import Any

from django.db import transaction

from shared_apps.billing.limits import require
from shared_apps.core import pictures
from shared_apps.core.errors import NotFound
from shared_apps.core.images import renditions
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, gone, record
from tenant_apps.activity.services import made as made_of
from tenant_apps.events.models import Event, EventMedia

FOLDER = EventMedia.folder


def add_media(event: Event, upload: Any, *, alt: Any, actor: Any) -> EventMedia:
    """Take an uploaded picture. Raises InvalidInput, ImageRefused, ImageTooLarge, TooManyPictures, LimitReached."""
    words = pictures.checked_alt(alt)
    made = renditions(upload)
    with pictures.kept(FOLDER, made), transaction.atomic():
        require("storage_bytes", adding=made.size_bytes)
        _lock(event.pk)
        rows = EventMedia.objects.filter(event_id=event.pk)
        row: EventMedia = pictures.added(rows, made, words, event=event)
        record("event_media.created", row, actor=actor, details=made_of(**_told(row)), deliver=False)
        return row


@transaction.atomic
def change_media(
    row: EventMedia, *, actor: Any, alt: Any = None, position: int | None = None, lead: bool | None = None
) -> EventMedia:
    """Change what it says, its place among the event's pictures, or let it lead. Only one leads."""
    rows = EventMedia.objects.filter(event_id=row.event_id)
    _lock(row.event_id)
    row = _fresh(row)
    before = _told(row)
    if alt is not None and pictures.checked_alt(alt) != row.alt:
        row.alt = pictures.checked_alt(alt)
        row.save(update_fields=["alt", "modified_at"])
    if position is not None and position != row.position:
        pictures.moved(rows, row, position)
    if lead and not row.is_lead:
        pictures.leading(rows, row)
    now = _told(row)
    if now != before:
        record("event_media.updated", row, actor=actor, details=before_and_after(before, now), deliver=False)
    return row


@transaction.atomic
def delete_media(row: EventMedia, *, actor: Any) -> None:
    """Delete it; its files follow by the outbox."""
    _lock(row.event_id)
    row = _fresh(row)
    record("event_media.deleted", row, actor=actor, details=gone(**_told(row)), payload={"pictures": [row.files]})
    pictures.removed(EventMedia.objects.filter(event_id=row.event_id), row)


@subscribe("event_media.deleted")
@subscribe("event.deleted")
def remove_files(message: OutboxMessage) -> None:
    """Remove the files of rows that are gone; a second time there is nothing left to remove."""
    for files in message.payload.get("pictures", ()):
        pictures.remove_files(FOLDER, files)


def files_of(event: Event) -> list[dict[str, Any]]:
    """Return what `remove_files` needs once the event is gone."""
    return [row.files for row in EventMedia.objects.filter(event=event)]


def _lock(event_id: int) -> None:
    """One at a time per event: positions and the one that leads are about all of its pictures."""
    if not Event.objects.select_for_update().filter(pk=event_id).values_list("pk").first():
        raise NotFound


def _fresh(row: EventMedia) -> EventMedia:
    found = EventMedia.objects.filter(pk=row.pk).first()
    if found is None:
        raise NotFound
    return found


def _told(row: EventMedia) -> dict[str, Any]:
    return {"event": row.event_id, "alt": row.alt, "position": row.position, "lead": row.is_lead}
