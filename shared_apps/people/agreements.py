"""What the platform asks of who opens a tenant: its own terms, in versions, and who agreed to which when.

Nothing is asked for until an operator publishes a text (`manage.py publish_text`).
"""

import hashlib
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.accounts import trail
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.people.models import Agreement, PlatformText
from tenants.context import in_public


class AgreementRequired(InvalidInput):
    code = "consent_required"
    message = gettext_lazy("Please agree first: {what}.")


def asked() -> list[PlatformText]:
    """Return the versions that hold now."""
    with in_public():
        return list(PlatformText.objects.filter(ended_at__isnull=True).order_by("pk"))


def publish(code: str, title: str, body: str) -> PlatformText:
    """Publish a text, or a new version of it. The same words change nothing."""
    title, body = " ".join(title.split()), body.replace("\r\n", "\n").strip()
    with in_public(), transaction.atomic():
        before = PlatformText.objects.select_for_update().filter(code=code).order_by("-version").first()
        if before and before.ended_at is None:
            if (before.title, before.body) == (title, body):
                return before
            before.ended_at = timezone.now()
            before.save(update_fields=["ended_at"])
        text = PlatformText.objects.create(
            code=code, version=before.version + 1 if before else 1, title=title, body=body,
            sha256=hashlib.sha256(f"{title}\n{body}".encode()).hexdigest(),
        )  # fmt: skip
        trail.note("text.published", None, by_owner=False, code=code, version=text.version, sha256=text.sha256)
    return text


def agree(user: Any, given: Collection[int], *, address: str | None) -> None:
    """Keep that the person agrees to what is asked for now. Once is for good; twice changes nothing.

    Raises AgreementRequired, naming each text that is missing and was not agreed to before.
    """
    texts = asked()
    with in_public(), transaction.atomic():
        known = set(Agreement.objects.filter(user=user, text__in=texts).values_list("text_id", flat=True))
        missing = [text for text in texts if text.pk not in known and text.pk not in given]
        if missing:
            words = _("Please agree to: {what}")
            raise AgreementRequired(
                what=", ".join(text.title for text in missing),
                errors=[
                    FieldError(f"agree_{text.pk}", "consent_required", words.format(what=text.title))
                    for text in missing
                ],
            )
        Agreement.objects.bulk_create(
            [Agreement(user=user, text=text, address=address) for text in texts if text.pk not in known],
            ignore_conflicts=True,
        )
