"""What the stories of accounts share."""

import re
from typing import Any

from django.core import mail

from shared_apps.accounts.tasks import send_unsent

NEW_PASSWORD = "quite-another-password"


def letters_to(address: str) -> list[Any]:
    """Send what is waiting and return the letters to this address, oldest first."""
    send_unsent()
    return [letter for letter in mail.outbox if letter.to == [address]]


def code_in(letter: Any) -> str:
    return re.search(r"^\s+(\d{6})$", letter.body, re.MULTILINE)[1]


def link_in(letter: Any) -> str:
    return re.search(r"https?://\S+", letter.body)[0]


def path_in(letter: Any) -> str:
    return "/" + link_in(letter).split("/", 3)[3]


def register(client: Any, email: str, password: str = "a-long-test-password", **fields: Any) -> Any:
    body = {"email": email, "password1": password, "password2": password, **fields}
    return client.post("/api/v1/auth/registration/", body, format="json")


def login(client: Any, email: str, password: str = "a-long-test-password", query: str = "", **extra: Any) -> Any:
    return client.post(f"/api/v1/auth/login/{query}", {"email": email, "password": password}, format="json", **extra)


def code_of(response: Any) -> str:
    """The stable code of a refusal."""
    return response.json()["code"]


def field_codes(response: Any) -> dict[str, str]:
    return {error["field"]: error["code"] for error in response.json()["errors"]}
