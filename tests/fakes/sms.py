"""A service for text messages over HTTP, as docs/guides/text-messages.md describes it: bearer keys, books, bad days.

Every message that it takes is in its books once for a key; what a telephone got is `sent()`. `throttled` and `refusing`
answer so many next calls with 429 and 422; the knobs of all fakes make it slow or fail before or after the effect.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.fakes.server import Answer, Fake, Request, json_answer, new_id


class SmsService(Fake):
    name = "sms"

    def __init__(self, port: int = 0, books: Path | None = None, *, keys: Collection[str] = ("good-key",)):
        super().__init__(port, books)
        self.keys = set(keys)
        self.without_credit: set[str] = set()
        self.throttled = 0
        self.refusing = 0

    def handle(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/messages"):
            return json_answer({"error": "not found"}, 404)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            return json_answer({"error": "unknown key"}, 401)
        if key in self.without_credit:
            return json_answer({"error": "no credit"}, 402)
        if self.throttled > 0:
            self.throttled -= 1
            return Answer(429, b"{}", headers={"Retry-After": "1"})
        told = request.json
        wrong = not str(told.get("to", "")).startswith("+") or not told.get("text") or "id" not in told
        if wrong or request.headers.get("idempotency-key") != told["id"]:
            return json_answer({"error": "malformed"}, 400)
        if self.refusing > 0:
            self.refusing -= 1
            return json_answer({"error": "this number takes none"}, 422)

        def act() -> Answer:
            taken = self.books.put("sms", key, {**told, "id": told["id"], "reference": new_id("sm_")})
            return json_answer({"id": taken["reference"], "status": "accepted"}, 201)

        return self.once(told["id"], request, act, conflict=lambda: json_answer({"error": "other text"}, 409))

    def sent(self) -> list[dict[str, Any]]:
        """What telephones got."""
        return self.books.all("sms")
