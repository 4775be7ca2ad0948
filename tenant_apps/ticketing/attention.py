"""What people at the door are told about a ticket besides its answer: "check the student card", "allergic to nuts".

It comes from the ticket type, and from answers of the attendee to questions that are marked for the door. Answers
are kept with orders, above tickets: whoever keeps them says here how they are found, once, as the apps start.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext as _

# Given a ticket's id and the ids of questions: each answer that was given, as question and answer in words.
Answers = Callable[[uuid.UUID, Sequence[int]], Sequence[tuple[str, str]]]

_sources: list[Answers] = []
LONGEST = 300


def register_answers(source: Answers) -> None:
    """Add where answers of attendees are kept."""
    if source not in _sources:
        _sources.append(source)


def of(check_in_list: Any, ticket: Any) -> tuple[str, ...]:
    """Return what is told about the ticket at this list. One statement where the event has questions for the door.

    `check_in_list` may come with `door_questions` (`doors`); without, they are asked for.
    """
    told = [ticket.ticket_type.door_note] if ticket.ticket_type.door_note else []
    for source in _sources if (questions := _questions(check_in_list)) else ():
        for question, answer in source(ticket.pk, questions):
            told.append(_("{question}: {answer}").format(question=question, answer=answer)[:LONGEST])
    return tuple(told)


def _questions(check_in_list: Any) -> list[int]:
    known = getattr(check_in_list, "door_questions", None)
    if known is None:
        asked = check_in_list.event.questions.filter(at_door=True)
        known = check_in_list.door_questions = list(asked.values_list("pk", flat=True))
    return list(known)
