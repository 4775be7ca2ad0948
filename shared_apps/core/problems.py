"""Problem details (RFC 9457): the one shape of every refusal that leaves below /api/, whoever refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from shared_apps.core.errors import DomainError, FieldError

CONTENT_TYPE = "application/problem+json"
DOCS = "/docs/errors"


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal on its way out: what is said, and the headers that go with it."""

    status: int
    code: str
    detail: Any
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the members of the JSON object; `type` leads to the sentence about the code in the docs."""
        return {
            "type": f"{DOCS}#{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": str(self.detail),
            "errors": [
                {"field": error.field, "code": error.code, "message": str(error.message)} for error in self.errors
            ],
            "request_id": request_id,
            **self.members,
        }


def of_refusal(refusal: DomainError) -> Problem:
    """Return the problem that a refusal of the domain is."""
    detail = str(refusal)
    errors = refusal.errors
    if not errors and refusal.field:
        errors = (FieldError(refusal.field, refusal.code, detail),)
    headers = {} if refusal.retry_after is None else {"Retry-After": str(max(1, round(refusal.retry_after)))}
    return Problem(refusal.status, refusal.code, detail, errors, headers, refusal.members)
