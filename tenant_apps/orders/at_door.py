"""The answers of attendees, for the door."""

import uuid
from collections.abc import Sequence

from tenant_apps.orders.answers import in_words
from tenant_apps.orders.models import OrderLine
from tenant_apps.ticketing.attention import register_answers


def answers_at_door(ticket_id: uuid.UUID, questions: Sequence[int]) -> list[tuple[str, str]]:
    """Return what the holder of the ticket answered to these questions, in words; a plain no is nothing to tell."""
    wanted = set(questions)
    lines = OrderLine.objects.filter(ticket_id=ticket_id).values_list("answers", flat=True)
    return in_words(
        each for answers in lines for each in answers if each["question"] in wanted and each["answer"] is not False
    )


register_answers(answers_at_door)
