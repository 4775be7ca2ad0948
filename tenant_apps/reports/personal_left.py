"""What personal data is left in a tenant: how many rows of each kind still tell of somebody, since when, and what
becomes of them.

Counted anew each time, up to a number, each kind within two seconds: more than that is "many", and too slow is said to
be so. A row counts while one of the columns that its app spoke for (`personal.py`) still tells of somebody; what an
erasure or a rule of retention has replaced does not. Nothing of anybody is shown, only numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, models, transaction
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core import personal
from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import retention
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference
from tenants.schema_state import labels_of

# No more than so many rows of a kind are counted; no more guests are looked up that are to be forgotten.
MOST = 100_000
MOST_GUESTS = 1000
SECONDS = 2

GUESTS = "guests"
FATES: dict[str, Any] = {
    GUESTS: _("Erased with the guest, when your months are over; people with an account decide for themselves."),
    "order": _("Stays with the order; erased with whoever it is about."),
    "addresses": _("Network addresses go when your months are over; the rest stays, as proof of who did what."),
    "soon": _("Deleted by itself after some days."),
    "person": _("Theirs to remove; gone with their account."),
    "staff": _("Goes when they leave the staff or close their account."),
    "law": _("Kept: the law asks for invoices. Erased on request."),
    "hand": _("Stays until somebody whom it is about has it erased."),
}


@dataclass(frozen=True)
class Kind:
    """One kind of personal data: its name, the columns that tell of somebody, the one that says when, its fate."""

    label: Any
    columns: tuple[str, ...]
    since: str
    fate: str


# By the titles that the apps gave in their `personal.py`.
KINDS: dict[str, Kind] = {
    "orders": Kind(_("Buyers of orders"), ("email", "name", "user", "delivery"), "created_at", GUESTS),
    "order_lines": Kind(_("Attendees and their answers"), ("attendee_name", "attendee_email", "answers"), "", GUESTS),
    "tickets": Kind(_("Holders of tickets"), ("holder_name", "holder_email"), "created_at", GUESTS),
    "consents": Kind(_("Who agreed to legal texts"), ("email", "user_id", "address"), "agreed_at", GUESTS),
    "waiting_lists": Kind(_("Waiting lists"), ("email", "user"), "joined_at", GUESTS),
    "voucher_uses": Kind(_("Who used vouchers"), ("buyer", "user"), "created_at", GUESTS),
    "unsubscribed": Kind(_("Addresses that want no mail"), ("address",), "created_at", "hand"),
    "carts": Kind(_("Carts of people with an account"), ("user",), "created_at", "soon"),
    "saved_addresses": Kind(_("Saved addresses"), ("name", "street", "phone", "user"), "created_at", "person"),
    "likes": Kind(_("Likes"), ("user",), "created_at", "person"),
    "favourites": Kind(_("Favourites"), ("user",), "created_at", "person"),
    "follows": Kind(_("Follows"), ("user",), "created_at", "person"),
    "reviews": Kind(_("Reviews"), ("user", "name", "comment"), "created_at", "person"),
    "review_reports": Kind(_("Reports of reviews"), ("user", "text"), "created_at", "person"),
    "order_notes": Kind(_("Notes on orders"), ("text",), "created_at", "order"),
    "invoices": Kind(_("Invoices"), ("data",), "issued_at", "law"),
    "parcels": Kind(_("Numbers of parcels"), ("tracking_number",), "shipped_at", "order"),
    "refund_reasons": Kind(_("Reasons of refunds"), ("reason",), "created_at", "order"),
    "statement_lines": Kind(_("Lines of bank statements"), ("payer", "purpose"), "", "hand"),
    "statement_files": Kind(_("Files of bank statements"), ("content",), "created_at", "hand"),
    "check_in_notes": Kind(_("Notes at the door"), ("note",), "scanned_at", "order"),
    "audit": Kind(_("Audit trail"), ("actor", "address"), "at", "addresses"),
    "outbox": Kind(_("Messages on their way"), ("payload",), "created_at", "soon"),
    "answers": Kind(_("Answers kept for repeated requests"), ("body",), "started_at", "soon"),
    "notifications": Kind(_("Notices on the site"), ("user_id",), "created_at", "person"),
    "devices": Kind(_("Devices that take pushes"), ("user",), "created_at", "person"),
    "messages": Kind(_("Messages to ticket holders"), ("person", "text"), "created_at", "hand"),
    "webhook_replies": Kind(_("Replies to webhooks"), ("reply",), "created_at", "soon"),
    "import_files": Kind(_("Uploaded files"), ("content", "samples", "errors_file", "changes"), "created_at", "soon"),
    "staff_membership": Kind(_("Staff"), ("user",), "created_at", "staff"),
    "staff_invitations": Kind(_("Invitations"), ("email", "accepted_by"), "created_at", "staff"),
    "staff_api_keys": Kind(_("Makers of API keys"), ("created_by",), "created_at", "staff"),
    "grants": Kind(_("Rights on single events"), ("user",), "", "staff"),
    "catalog_grants": Kind(_("Rights on single categories"), ("user",), "", "staff"),
}
# The same rows again, or rows that tell of somebody only by the order they belong to.
ELSEWHERE = frozenset({"held_tickets", "check_ins", "payments"})


@dataclass(frozen=True)
class Left:
    """How much of one kind is left. `rows` None: counting took too long. `more`: there are more than `MOST`."""

    title: str
    label: str
    fate: str
    rows: int | None
    more: bool = False
    oldest: datetime | None = None


@dataclass(frozen=True)
class Overview:
    """What the page and the API show. `due_guests` are those whom the next night forgets, at most `MOST_GUESTS`."""

    guests_months: int
    addresses_months: int
    due_guests: int
    applied_at: datetime | None
    applied: dict[str, int]
    kinds: list[Left]


def overview(now: datetime | None = None) -> Overview:
    """Return what is left in the present tenant, and what its rules make of it."""
    tenant, now = current_tenant(), now or timezone.now()
    months = preference(tenant, "retention_guests_months")
    due = retention.stale_guests(now - relativedelta(months=months), most=MOST_GUESTS)[0] if months else []
    last = AuditEntry.objects.filter(topic="retention.applied").order_by("-at").first()
    return Overview(
        guests_months=months,
        addresses_months=preference(tenant, "retention_addresses_months"),
        due_guests=len(due),
        applied_at=last.at if last else None,
        applied=last.details if last else {},
        kinds=left(),
    )


def left(titles: Sequence[str] | None = None) -> list[Left]:
    """Return how much of each kind is left, those with most first."""
    held = {each.title: each.model for each in personal.holdings(labels_of(settings.TENANT_APPS))}
    wanted = [title for title in held if title in KINDS and (titles is None or title in titles)]
    found = [_counted(title, apps.get_model(held[title])) for title in wanted]
    return sorted(found, key=lambda each: (-(each.rows or 0), each.title))


def _counted(title: str, model: type[models.Model]) -> Left:
    kind = KINDS[title]
    telling = Q()
    for name in kind.columns:
        telling |= _tells(model, name)
    rows = model._default_manager.filter(telling).order_by().values(kind.since or "pk")[: MOST + 1]
    asked: dict[str, Any] = {"rows": Count("*")} | ({"oldest": Min(kind.since)} if kind.since else {})
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            before = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
            found = rows.aggregate(**asked)
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except DatabaseError:
        return Left(title, str(kind.label), str(FATES[kind.fate]), None)
    many = found["rows"] > MOST
    # Of more than are counted, the oldest need not be among those that were.
    oldest = None if many else found.get("oldest")
    return Left(title, str(kind.label), str(FATES[kind.fate]), min(found["rows"], MOST), many, oldest)


def _tells(model: type[models.Model], name: str) -> Q:
    """Whether the column still tells of somebody: neither empty nor what an erasure leaves."""
    field = model._meta.get_field(name)
    there = Q(**{f"{name}__isnull": False})
    if isinstance(field, models.JSONField):
        return there & ~Q(**{name: {}}) & ~Q(**{name: []})
    if isinstance(field, models.BinaryField):
        return there & ~Q(**{name: b""})
    if isinstance(field, models.CharField | models.TextField):
        return there & ~Q(**{name: ""}) & ~Q(**{f"{name}__endswith": f"@{personal.ERASED_DOMAIN}"})
    return there
