"""The records that a domain needs in DNS for mail in its name to arrive, and whether they are there.

One look-up each, all within a few seconds, asked for by hand: nothing of this happens while mail is sent.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from shared_apps.core import name_service
from tenant_apps.notifications.models import Sender
from tenants.models import Tenant

SECONDS_EACH, SECONDS_ALL = 3.0, 8.0
GOOD, MISSING, WRONG, UNKNOWN = "good", "missing", "wrong", "unknown"


@dataclass(frozen=True)
class Record:
    """One record to set. `why` says what it is for; `must`: without it the address is not used."""

    kind: str
    name: str
    type: str
    value: str
    why: str
    must: bool = False


@dataclass(frozen=True)
class Checked:
    """What was found for a record: good, missing, wrong (`found` is what is there) or unknown (nobody answered)."""

    record: Record
    state: str
    found: str = ""


def domain_of(address: str) -> str:
    """Return the domain of an address in ASCII letters; empty if there is none."""
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def records_for(tenant: Tenant, own: Sender) -> list[Record]:
    """Return the records to set for mail as `own.address`; none without an address."""
    domain = domain_of(own.address)
    if not domain:
        return []
    wanted = []
    if own.host:
        wanted.append(
            Record("spf", domain, "TXT", "v=spf1 mx ~all", _("Says which servers send your mail: ask who runs yours."))
        )
        selector = own.dkim_selector
        if selector:
            why = _("Your mail server signs with this key: ask who runs it.")
            wanted.append(Record("dkim", f"{selector}._domainkey.{domain}", "TXT", "v=DKIM1; k=rsa; p=…", why))
    else:
        why = _("Shows us that the domain is yours.")
        wanted.append(Record("proof", f"_foyer-mail.{domain}", "TXT", proof_of(tenant, domain), why, must=True))
        spf = f"v=spf1 include:{settings.MAIL_SPF_INCLUDE} ~all"
        wanted.append(Record("spf", domain, "TXT", spf, _("Lets our servers send your mail."), must=True))
        if selector := settings.MAIL_DKIM_SELECTOR:
            target = f"{selector}._domainkey.{settings.PLATFORM_DOMAIN}"
            why = _("Lets receivers check our signature.")
            wanted.append(Record("dkim", f"{selector}._domainkey.{domain}", "CNAME", target, why))
    why = _("Tells receivers what to do with mail that only pretends to be yours.")
    wanted.append(Record("dmarc", f"_dmarc.{domain}", "TXT", "v=DMARC1; p=none", why))
    return wanted


def proof_of(tenant: Tenant, domain: str) -> str:
    """Return the text by which a domain says that this tenant may send in its name."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"mail {tenant.schema_name} {domain}".encode(), hashlib.sha256)
    return f"foyer-mail={digest.hexdigest()[:32]}"


def check(records: list[Record]) -> list[Checked]:
    """Ask DNS for each record, within 8 seconds for all of them. Never inside a transaction (O3)."""
    until = time.monotonic() + SECONDS_ALL
    return [_check(record, until) for record in records]


def all_set(checked: list[Checked]) -> bool:
    """Tell whether what must be there is there."""
    return all(each.state == GOOD for each in checked if each.record.must)


def _check(record: Record, until: float) -> Checked:
    left = min(SECONDS_EACH, until - time.monotonic())
    if left <= 0:
        return Checked(record, UNKNOWN)
    try:
        texts = name_service.texts(record.name, left)
    except name_service.NothingThere:
        return Checked(record, MISSING)
    except name_service.NobodyAnswered:
        return Checked(record, UNKNOWN)
    prefix = {"spf": "v=spf1", "dmarc": "v=dmarc1", "proof": "foyer-mail=", "dkim": ""}[record.kind]
    ours = [text for text in texts if text.lower().startswith(prefix)]
    if not ours:
        return Checked(record, MISSING)
    good = len(ours) == 1 if record.kind == "spf" else True
    good = good and any(_says(record, text) for text in ours)
    return Checked(record, GOOD if good else WRONG, " | ".join(ours)[:500])


def _says(record: Record, text: str) -> bool:
    if record.kind == "proof":
        return hmac.compare_digest(text.strip().encode(), record.value.encode())
    if record.kind == "dkim":
        return any(part.strip().startswith("p=") and len(part.strip()) > 10 for part in text.split(";"))
    if record.kind == "spf" and record.must:
        return f"include:{settings.MAIL_SPF_INCLUDE}".lower() in text.lower().split()
    return True
