"""What attendees are asked, and whether what was answered is an answer. Pure functions on questions as rows of JSON.

Questions come with the ticket types of a basket (`with_questions`), in the statement that reads them anyway.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, F, Func, OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError
from tenant_apps.events.models import Question

LONGEST = 1000
COLUMNS = ("id", "text", "help", "kind", "choices", "required")


def with_questions(ticket_types: Any) -> Any:
    """Return the ticket types, each with `asked`: the questions that its holders answer, in their order."""
    asked = Question.objects.filter(
        Q(ticket_types=[]) | Q(ticket_types__contains=_as_array(OuterRef("pk"))), event=OuterRef("event_id")
    ).order_by("position", "pk")
    columns = {name: F(name) for name in COLUMNS}
    return ticket_types.annotate(asked=ArraySubquery(asked.values(row=JSONObject(**columns))))


def answers_of(
    asked: Sequence[Mapping[str, Any]], given: Mapping[str, Any], *, strict: bool = True
) -> tuple[list[dict[str, Any]], list[FieldError]]:
    """Return the answers as an order keeps them, and what is wrong, by question id as field.

    `given` is by the question's id as text. Without `strict` (staff who sell at a counter) none is required.
    """
    kept: list[dict[str, Any]] = []
    faults: list[FieldError] = []
    known = {str(question["id"]) for question in asked}
    for name in given:
        if str(name) not in known:
            faults.append(FieldError(str(name)[:40], "question_unknown", _("There is no such question.")))
    for question in asked:
        key = str(question["id"])
        try:
            answer = _answer(question, given.get(key))
        except ValueError as error:
            faults.append(FieldError(key, "answer_invalid", str(error)))
            continue
        if answer is None:
            if question["required"] and strict:
                faults.append(FieldError(key, "answer_required", _("Please answer this question.")))
            continue
        kept.append({"question": question["id"], "text": question["text"], "answer": answer})
    return kept, faults


def in_words(answers: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return question and answer as text, for pages and exports."""
    return [(str(each["text"]), _said(each["answer"])) for each in answers]


def _said(answer: Any) -> str:
    if isinstance(answer, bool):
        return _("yes") if answer else _("no")
    return ", ".join(answer) if isinstance(answer, list) else str(answer)


def _answer(question: Mapping[str, Any], value: Any) -> Any:
    """The answer as it is kept, None for none. Raises ValueError with a sentence."""
    kind = question["kind"]
    if value is None or value in ("", []):
        return None
    if kind == "yes_no":
        if value in (True, "yes", "true"):
            return True
        if value in (False, "no", "false"):
            return False
        raise ValueError(_("Answer yes or no."))
    if kind == "number":
        return _number(value)
    if kind == "multiple":
        chosen = value if isinstance(value, list) else [value]
        if len(chosen) > len(question["choices"]) or any(each not in question["choices"] for each in chosen):
            raise ValueError(_("Choose among the given answers."))
        return [each for each in question["choices"] if each in chosen]
    if not isinstance(value, str):
        raise ValueError(_("This must be text."))
    text = value.strip()
    if kind == "choice" and text not in question["choices"]:
        raise ValueError(_("Choose among the given answers."))
    if len(text) > LONGEST:
        raise ValueError(_("At most %d characters.") % LONGEST)
    return text or None


def _number(value: Any) -> str:
    """A number as text, so that what was typed is what is shown."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(_("Answer with a number."))
    try:
        number = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError(_("Answer with a number.")) from None
    # By its exponent, not by abs(): arithmetic on 1e999999999 overflows.
    if not number.is_finite() or not -20 < number.adjusted() < 12 or len(number.as_tuple().digits) > 20:
        raise ValueError(_("Answer with a number."))
    return f"{number:f}"


def _as_array(pk: Any) -> Any:
    return Func(pk, template="ARRAY[%(expressions)s]::bigint[]", output_field=ArrayField(BigIntegerField()))
