"""Publishing texts, and which of them hold now.

Checkout must not pay a statement for a question that most tenants never ask, so the current texts (id, code, title,
whether required) ride on the tenant's row in public, which every process keeps: under a key of `preferences` that is
no setting. The rows here decide; the copy follows at once and once more by the outbox (citus.md, rule 3).
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from structlog.contextvars import get_contextvars

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.consents.errors import ConsentBinds, ConsentRequired
from tenant_apps.consents.models import Consent, LegalText
from tenants.context import current_tenant, in_public
from tenants.models import Tenant

KEY = "legal_texts"
MOST = 8
LONGEST_TITLE, LONGEST_BODY = 200, 100_000
_CODE = re.compile(r"[a-z](-?[a-z0-9]){1,39}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A text that buyers are asked to agree to now."""

    id: int
    code: str
    title: str
    required: bool

    @property
    def field(self) -> str:
        """The name of its box on a page."""
        return f"agree_{self.id}"


def asked(tenant: Tenant | None = None) -> list[Asked]:
    """Return what buyers are asked for now, required ones first. No statement."""
    rows = (tenant or current_tenant()).preferences.get(KEY) or []
    found = [Asked(int(row["id"]), str(row["code"]), str(row["title"]), bool(row["required"])) for row in rows]
    return sorted(found, key=lambda each: (not each.required, each.id))


def agreed(
    given: Collection[int], *, order_id: UUID, order_code: str, user_id: int | None, email: str, now: datetime
) -> list[Consent]:
    """Return the rows of what a buyer agreed to, to be written with the order. What is asked for no more is left out.

    Raises ConsentRequired, naming each text that is missing.
    """
    wanted = asked()
    if missing := [each for each in wanted if each.required and each.id not in given]:
        raise ConsentRequired(
            what=", ".join(each.title for each in missing),
            errors=[
                FieldError(
                    f"agreed.{each.id}", ConsentRequired.code, _("Please agree to: {what}").format(what=each.title)
                )
                for each in missing
            ],
        )
    address = get_contextvars().get("address")
    return [
        Consent(
            text_id=each.id, order_id=order_id, order_code=order_code, user_id=user_id, email=email, address=address,
            agreed_at=now,
        )
        for each in wanted
        if each.id in given
    ]  # fmt: skip


def current(code: str) -> LegalText:
    """Return the version that holds now. Raises NotFound."""
    found = LegalText.objects.filter(code=code, ended_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def publish(code: str, *, title: str, body: str, required: bool, actor: Any, now: datetime | None = None) -> LegalText:
    """Publish a text, or a new version of it, which buyers are asked for from then on. The same words change nothing.

    Raises InvalidInput, naming each field.
    """
    now = now or timezone.now()
    code, title, body = code.strip().lower(), " ".join(title.split()), body.replace("\r\n", "\n").strip()
    _refuse(code, title, body)
    with transaction.atomic():
        before = LegalText.objects.select_for_update().filter(code=code).order_by("-version").first()
        standing = before if before is not None and before.ended_at is None else None
        if standing and (standing.title, standing.body, standing.required) == (title, body, required):
            return standing
        if standing is None and LegalText.objects.filter(ended_at__isnull=True).count() >= MOST:
            raise InvalidInput(
                errors=[
                    FieldError(
                        "code", "too_many", _("More than {most} texts are too much to ask for.").format(most=MOST)
                    )
                ]
            )
        if standing is not None:
            standing.ended_at = now
            standing.save(update_fields=["ended_at"])
        text = LegalText.objects.create(
            code=code, version=before.version + 1 if before else 1, title=title, body=body, required=required,
            sha256=hashlib.sha256(f"{title}\n{body}".encode()).hexdigest(), published_at=now,
        )  # fmt: skip
        facts = {"version": text.version, "title": title, "required": required, "sha256": text.sha256}
        was = {"version": standing.version, "title": standing.title, "required": standing.required} if standing else {}
        details = before_and_after(was, facts) if standing else made(**facts)
        record("legal_text.published", text, actor=actor, details={"code": code, **details})
    follow()
    return text


def withdraw(code: str, *, actor: Any, now: datetime | None = None) -> None:
    """Ask nobody for it any more. What was agreed to stays as it is. Raises NotFound."""
    with transaction.atomic():
        text = LegalText.objects.select_for_update().filter(code=code, ended_at__isnull=True).first()
        if text is None:
            raise NotFound
        text.ended_at = now or timezone.now()
        text.save(update_fields=["ended_at"])
        change = before_and_after({"ended_at": None}, {"ended_at": text.ended_at})
        record("legal_text.withdrawn", text, actor=actor, details={"code": code, **change})
    follow()


def take_back(consent: Consent, *, actor: Any, now: datetime | None = None) -> Consent:
    """Somebody agrees no more to what was not required. Twice is once. Raises ConsentBinds."""
    with transaction.atomic():
        consent = Consent.objects.select_for_update(of=("self",)).select_related("text").get(pk=consent.pk)
        if consent.text.required:
            raise ConsentBinds
        if consent.withdrawn_at is None:
            consent.withdrawn_at = now or timezone.now()
            consent.save(update_fields=["withdrawn_at"])
            change = before_and_after({"withdrawn_at": None}, {"withdrawn_at": consent.withdrawn_at})
            record("consent.withdrawn", consent, actor=actor, details=change, deliver=False)
    return consent


def follow() -> None:
    """Write what is asked for now onto the tenant's row in public, in a transaction of its own. Twice is once."""
    rows = list(
        LegalText.objects.filter(ended_at__isnull=True).order_by("pk").values("id", "code", "title", "required")
    )
    here = current_tenant()
    with in_public(), transaction.atomic():
        tenant = Tenant.objects.select_for_update(of=("self",)).get(pk=here.pk)
        if (tenant.preferences.get(KEY) or []) != rows:
            tenant.preferences = {**tenant.preferences, KEY: rows}
            tenant.save(update_fields=["preferences"])
    here.preferences = {**here.preferences, KEY: rows}


@subscribe("legal_text.published")
@subscribe("legal_text.withdrawn")
def follow_later(message: OutboxMessage) -> None:
    """Whoever published may have been killed before the copy was written."""
    follow()


def _refuse(code: str, title: str, body: str) -> None:
    errors = []
    line = _("One line of at most {most} characters.").format(most=LONGEST_TITLE)
    text = _("A text of at most {most} characters.").format(most=LONGEST_BODY)
    if not _CODE.fullmatch(code):
        errors.append(FieldError("code", "invalid", _("A short word in small Latin letters, such as terms.")))
    if not title or len(title) > LONGEST_TITLE or not title.isprintable():
        errors.append(FieldError("title", "invalid", line))
    if not body or len(body) > LONGEST_BODY or any(not c.isprintable() and c not in "\n\t" for c in body):
        errors.append(FieldError("body", "invalid", text))
    if errors:
        raise InvalidInput(errors=errors)
