"""Admissions that were sold elsewhere, as rows of a file: each becomes a ticket of a paid order.

The money is taken as received outside: a payment by hand, with its entry in the ledger. No mail goes out. An order that
is there is never changed by a file (M6), so the same file twice changes nothing.
"""

import os
import uuid
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone as clock
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.codes import readable_code, unguessable_secret, uuid7
from shared_apps.core.resources import (
    BulkResource,
    BulkRow,
    CellError,
    ColumnError,
    Currency,
    Moment,
    Number,
    Text,
    column,
)
from tenant_apps.events.times import BadTime, moment
from tenant_apps.payments.bulk import AdmissionsInBulk
from tenants.context import current_tenant

OWN = "foyer:"
# Longer than usual: among 100,000 of one file two equal ones of eight characters are likely.
CODE_LENGTH = 12


class Email(Text):
    """An address; empty means none was given."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = super().clean(value, row=row, **kwargs)
        if text:
            try:
                validate_email(text)
            except ValidationError:
                raise CellError("invalid_email", _("This is no email address.")) from None
        return text


class AdmissionResource(BulkResource):
    """One row is one admission. Rows that share `order` are one order; without it each row is one of its own.

    An order is known by `order`, else by `external_id`, else by the row's content.
    """

    external_id = column(Text(90))
    event = column(Text(200))
    ticket_type = column(Text(100))
    email = column(Email(254))
    name = column(Text(150))
    attendee_name = column(Text(150))
    attendee_email = column(Email(254))
    price = column(Number())
    currency = column(Currency())
    ordered_at = column(Moment())
    order = column(Text(90))
    seat = column(Text(40))

    label = gettext_lazy("Attendees and orders")
    required = ("event", "email")
    permission = "change_orders"
    known_by_content = True
    aliases = {
        **dict.fromkeys(("id", "ticket_id", "reference", "код", "номер_билета"), "external_id"),
        **dict.fromkeys(("event_id", "event_slug", "событие", "мероприятие"), "event"),
        **dict.fromkeys(("ticket", "type", "tariff", "билет", "тип_билета", "тариф"), "ticket_type"),
        **dict.fromkeys(("buyer_email", "e_mail", "mail", "почта", "электронная_почта"), "email"),
        **dict.fromkeys(("buyer", "buyer_name", "customer", "имя", "покупатель", "фио"), "name"),
        **dict.fromkeys(("attendee", "guest", "participant", "участник", "гость"), "attendee_name"),
        **dict.fromkeys(("guest_email", "почта_участника"), "attendee_email"),
        **dict.fromkeys(("amount", "paid", "total", "цена", "стоимость", "оплачено"), "price"),
        **dict.fromkeys(("валюта",), "currency"),
        **dict.fromkeys(("date", "created_at", "bought_at", "дата", "дата_заказа"), "ordered_at"),
        **dict.fromkeys(("order_id", "order_code", "order_number", "заказ", "номер_заказа"), "order"),
        **dict.fromkeys(("place", "место"), "seat"),
    }  # fmt: skip
    stage = {
        **dict.fromkeys(("event", "slug", "ticket_type", "email", "name", "attendee_name", "attendee_email"), "text"),
        "price": "numeric",
        "currency": "text",
        "ordered_at": "timestamptz",
        "seat": "text",
        **dict.fromkeys(("order_id", "payment_id", "ledger_id", "line_id", "ticket_id", "token"), "uuid"),
        **dict.fromkeys(("code", "secret", "short_code"), "text"),
    }

    def take(self, rows: Sequence[BulkRow]) -> None:
        """Stage the rows with fresh ids and codes, which random bits make, not the database (T1)."""
        zone, now = current_tenant().timezone, clock.now().astimezone(UTC)
        for row in rows:
            values = row.values
            get = values.get
            errors: list[ColumnError] = []
            at = now
            if get("ordered_at") is not None:
                try:
                    at = moment(values["ordered_at"], zone, "ordered_at") or now
                except BadTime as bad:
                    errors.append(ColumnError("ordered_at", bad.error.code, str(bad.error.message)))
            price = get("price")
            if price is not None and price < 0:
                errors.append(ColumnError("price", "out_of_range", _("A price cannot be negative.")))
            if errors:
                self.staging.refuse(row.line, errors)
                continue
            event = values["event"]
            self.staging.add(row.line, (
                get("order") or row.key, event, event.removeprefix(OWN), get("ticket_type") or "", values["email"],
                get("name") or "", get("attendee_name") or "", get("attendee_email") or "", price,
                get("currency") or "", at, get("seat") or "", *(uuid7() for _each in range(5)),
                uuid.UUID(bytes=os.urandom(16)),
                                readable_code(CODE_LENGTH), unguessable_secret(), readable_code(),
            ))  # fmt: skip

    def settle(self) -> None:
        self.bulk = AdmissionsInBulk(self.staging)
        self.bulk.settle()

    def put(self) -> None:
        self.bulk.put()

    def changes(self, most: int) -> tuple[int, list[dict[str, Any]]]:
        return self.bulk.changes(most)
