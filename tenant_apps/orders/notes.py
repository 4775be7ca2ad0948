"""What staff write down about an order, for each other."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import gone, made, record
from tenant_apps.orders import errors
from tenant_apps.orders.models import Order, OrderNote

LONGEST = 2000
MOST = 100


@transaction.atomic
def write_note(order: Order, text: str, *, actor: Any) -> OrderNote:
    """Add a note. Raises InvalidInput for an empty or a too long one, TooManyNotes."""
    text = text.strip()
    if not text:
        raise InvalidInput(errors=[FieldError("text", "required", _("Please fill this in."))])
    if len(text) > LONGEST:
        raise InvalidInput(errors=[FieldError("text", "too_long", _("At most %d characters.") % LONGEST)])
    order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if order.notes.count() >= MOST:
        raise errors.TooManyNotes(most=MOST)
    note = OrderNote.objects.create(order=order, text=text, actor_id=actor.pk, actor=str(actor)[:254])
    record("order.note_written", order, actor=actor, details=made(text=text), deliver=False)
    return note


@transaction.atomic
def delete_note(note: OrderNote, *, actor: Any) -> None:
    """Take a note away; the audit trail keeps that, and what, was written."""
    record("order.note_deleted", note.order, actor=actor, details=gone(text=note.text), deliver=False)
    note.delete()
