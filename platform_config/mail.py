"""How mail leaves in development: as files that any mail program opens, and that /dev/mailbox/ shows."""

import os
from collections.abc import Sequence
from pathlib import Path
from time import time_ns
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmlFileBackend(BaseEmailBackend):
    """Writes each message to `$FOYER_HOME/mail/<nanoseconds>-<pid>.eml`, whole or not at all."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(str(getattr(settings, "EMAIL_FILE_PATH", "mail")))
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            path: Any = folder / f"{time_ns()}-{os.getpid()}.eml"
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(message.message().as_bytes())
            unfinished.rename(path)
        return len(email_messages)
