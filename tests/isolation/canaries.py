"""Words that only one tenant's rows hold, in every text of them: whoever reads the other's has read what is not theirs.

A text is filled without asking what it is for, unless it is named below. So a new column is watched from its first
day on, and a new JSON column has to be given a place here (`of_json`), else the crawl does not begin.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models

WORDS = {"alpha": "quokka", "beta": "axolotl"}

# What a text of the model is not filled with, and why. What is the same at both twins makes their addresses equal.
_ADDRESS = "a part of addresses, the same at both twins"
_CODE = "one of a few words that the code knows, or a zone, a currency, a language"
_NAMES = "names a thing, a topic or a job by what the code calls it"
_EMPTY = "means something where it is not empty"
_PROOF = "a digest, or a key of somebody's device"
KEPT = {
    **dict.fromkeys(
        (
            "orders.Order.code", "promotions.Voucher.code", "ticketing.EventKey.key_id", "ticketing.CheckIn.scan_id",
            "ticketing.Ticket.short_code", "events.EventMedia.stem", "catalog.ProductImage.stem", "staff.ApiKey.prefix",
        ),
        _ADDRESS,
    ),
    **dict.fromkeys(
        (
            "staff.Role.preset", "events.Venue.timezone", "events.Event.timezone", "events.Event.currency",
            "events.Event.level", "events.EventSeries.timezone", "events.EventSeries.rule", "ticketing.Ticket.currency",
            "ticketing.CheckIn.reason", "ticketing.CheckIn.decided_offline", "ticketing.OfflineScan.reason",
            "catalog.Product.currency", "catalog.DeliveryMethod.currency", "promotions.Discount.currency",
            "promotions.Voucher.currency", "promotions.VoucherUse.currency", "orders.Invoice.currency",
            "orders.WaitingEntry.language", "orders.Order.language", "orders.Order.channel", "orders.Order.currency",
            "payments.ProviderAccount.provider", "payments.Payment.provider", "payments.Payment.status",
            "payments.Payment.currency", "payments.Refund.currency", "payments.LedgerEntry.kind",
            "payments.LedgerEntry.provider", "payments.LedgerEntry.currency", "payments.ProviderEvent.kind",
            "payments.Dispute.currency", "payments.MassRefundRow.currency", "payments.MassRefundRow.code",
            "payments.StatementLine.currency", "notifications.Wording.language", "notifications.Delivery.channel",
            "imports.ImportJob.resource", "imports.ImportMapping.resource", "reports.ReportSchedule.report",
            "reports.ReportSchedule.cron", "reports.ReportSchedule.zone", "reports.Part.channel",
            "reports.Part.currency", "reports.DayFigure.channel", "reports.DayFigure.currency",
            "reports.BuildState.zone", "reports.ReportRun.report", "reports.ReportRun.language",
            "webhooks.WebhookDelivery.outcome", "notifications.Noted.name", "orders.DocumentCounter.name",
            "notifications.Round.cursor", "activity.IdempotentRequest.content_type",
        ),
        _CODE,
    ),
    **dict.fromkeys(
        (
            "activity.AuditEntry.topic", "activity.AuditEntry.target", "activity.OutboxMessage.topic",
            "activity.OutboxMessage.aggregate", "activity.OutboxMessage.queue", "activity.OutboxMessage.dedupe_key",
            "activity.IdempotentRequest.scope", "activity.IdempotentRequest.key", "notifications.Delivery.topic",
            "notifications.Notification.topic", "notifications.Wording.topic", "notifications.Suppression.topic",
            "webhooks.WebhookEvent.topic", "webhooks.WebhookEvent.aggregate", "guardian.UserObjectPermission.object_pk",
            "guardian.GroupObjectPermission.object_pk", "reports.LogEntry.event", "reports.LogEntry.subject",
        ),
        _NAMES,
    ),
    **dict.fromkeys(
        (
            "orders.Order.voucher", "orders.Cart.voucher", "notifications.Sender.problem", "notifications.Sender.host",
            "notifications.Sender.address", "notifications.Sender.username", "notifications.Sender.dkim_selector",
            "payments.Payment.session",
        ),
        _EMPTY,
    ),
    **dict.fromkeys(
        (
            "staff.ApiKey.digest", "activity.IdempotentRequest.fingerprint", "payments.Statement.digest",
            "payments.StatementLine.fingerprint", "imports.ImportMapping.signature",
            "notifications.PushSubscription.digest", "notifications.PushSubscription.p256dh",
            "notifications.PushSubscription.auth", "notifications.PushSubscription.last_key",
            "notifications.SmsMessage.key",
        ),
        _PROOF,
    ),
}  # fmt: skip
# Opens something by itself: filled to its whole length, as long as what is found there; "" stays.
SECRETS = frozenset({"orders.Order.secret", "orders.WaitingEntry.secret", "ticketing.Ticket.secret"})
# Held by columns that are no texts to Django, but hold one.
JSON_AS_TEXT = frozenset({"webhooks.WebhookEvent.body"})


# What is a number, a time, a colour or a code to whoever reads it stays one.
_MEANS = re.compile(r"[A-Z]{3}|[a-z_.]{1,30}|[\d:T.+Z -]*|[0-9a-f-]{32,36}|#[0-9a-f]{6}")


def _leaves(value: Any, fill: Callable[[], str]) -> Any:
    """The same with every text in it filled; names of fields stay."""
    if isinstance(value, dict):
        return {name: _leaves(inside, fill) for name, inside in value.items()}
    if isinstance(value, list):
        return [_leaves(inside, fill) for inside in value]
    # What is a number, a time or a code to whoever reads it stays one.
    if isinstance(value, str) and not re.fullmatch(
        r"[A-Z]{3}|[a-z_.]{1,30}|[\d:T.+Z -]*|[0-9a-f-]{32,36}|#[0-9a-f]{6}", value
    ):
        return fill()
    return value


def _names(value: Any, fill: Callable[[], str]) -> Any:
    """As `_leaves`, and the names too: what an organizer calls things."""
    return {fill(): _leaves(inside, fill) for inside in value.values()} if isinstance(value, dict) else value


def _as_they_are(value: Any, fill: Callable[[], str]) -> Any:
    return value


of_json: dict[str, Callable[[Any, Callable[[], str]], Any]] = {
    **dict.fromkeys(
        (
            "activity.AuditEntry.details", "activity.OutboxMessage.payload", "orders.Invoice.data", "orders.Order.fees",
            "orders.Order.delivery", "orders.OrderLine.applied", "payments.ProviderAccount.public",
            "payments.ProviderEvent.notice", "webhooks.WebhookDelivery.log", "webhooks.WebhookEvent.body",
            "imports.ImportJob.samples", "imports.ImportJob.errors",
        ),
        _leaves,
    ),
    **dict.fromkeys(("catalog.Product.parameters", "orders.OrderLine.answers"), _names),
    # Numbers, ids, codes, and columns of the file that lies beside them.
    **dict.fromkeys(
        (
            "events.Event.refund_tiers", "orders.CartLine.places", "orders.Order.rules", "payments.Statement.mapping",
            "notifications.Message.segment", "imports.ImportJob.header", "imports.ImportJob.mapping",
            "imports.ImportJob.key", "imports.ImportJob.counts", "imports.ImportJob.changes",
            "imports.ImportMapping.header", "imports.ImportMapping.mapping", "imports.ImportMapping.key",
            "reports.ReportSchedule.params", "reports.ReportSchedule.recipients", "reports.BuildState.event_zones",
            "reports.ReportRun.params", "reports.ReportRun.events",
        ),
        _as_they_are,
    ),
}  # fmt: skip


class Sown:
    """What was written where: `column_of("quokka17n3")` names the column that a find came from."""

    def __init__(self, tenant: Any):
        self.word = WORDS[tenant.slug]
        self.schema = tenant.schema_name
        self.columns: list[str] = []

    def code(self, column: str) -> str:
        self.columns.append(column)
        return f"{self.word}{len(self.columns) - 1}n"

    def column_of(self, text: str) -> str:
        found = re.search(rf"{self.word}(\d+)n", text, re.IGNORECASE)
        return self.columns[int(found[1])] if found else "?"


def sow(tenant: Any) -> Sown:
    """Fill every text of the tenant's rows, and of its own row in public. From the public schema."""
    sown = Sown(tenant)
    with connection.cursor() as cursor:
        for model in _models_of(tenant.schema_name):
            _sow_texts(cursor, sown, model)
            _sow_json(cursor, sown, model)
        name, line = f"{sown.code('tenants.Tenant.name')}0", f"{sown.code('tenants.Tenant.tagline')}0"
        cursor.execute("UPDATE tenants_tenant SET name = %s, tagline = %s WHERE id = %s", [name, line, tenant.pk])
    return sown


def _models_of(schema: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        there = {name for (name,) in cursor.fetchall()}
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in there]


def texts_of(model: Any) -> Iterator[tuple[str, Any]]:
    """The columns that are filled: "app.Model.field" and the field."""
    for field in model._meta.local_concrete_fields:
        name = f"{model._meta.label}.{field.name}"
        if not isinstance(field, models.CharField | models.TextField) or isinstance(field, models.SlugField):
            continue
        if not field.choices and name not in KEPT.keys() | JSON_AS_TEXT:
            yield name, field


def _sow_texts(cursor: Any, sown: Sown, model: Any) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    parts, values = [], []
    for name, field in texts_of(model):
        code = sown.code(name)
        filled = "%s || numbered.n"
        if isinstance(field, models.EmailField):
            filled = f"{filled} || '@example.test'"
        elif isinstance(field, models.URLField) or name == "webhooks.WebhookEndpoint.url":
            filled = f"'https://' || {filled} || '.example/'"
        elif name in SECRETS:
            filled = f"CASE WHEN t.{field.column} = '' THEN '' ELSE rpad({filled}, length(t.{field.column}), 'x') END"
        parts.append(f'"{field.column}" = {filled}')
        values.append(code)
    if parts:
        cursor.execute(
            f'UPDATE "{sown.schema}"."{table}" t SET {", ".join(parts)} FROM (SELECT "{key}" AS k, row_number()'
            f' OVER (ORDER BY "{key}") AS n FROM "{sown.schema}"."{table}") numbered WHERE numbered.k = t."{key}"',
            values,
        )


def _sow_json(cursor: Any, sown: Sown, model: Any) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    for field in model._meta.local_concrete_fields:
        name = f"{model._meta.label}.{field.name}"
        if not isinstance(field, models.JSONField) and name not in JSON_AS_TEXT:
            continue
        if name not in of_json:
            raise AssertionError(f"{name} is new: say in of_json of tests/isolation/canaries.py what is text in it")
        fill, code = of_json[name], sown.code(name)
        cursor.execute(f'SELECT "{key}", "{field.column}"::text FROM "{sown.schema}"."{table}"')
        for number, (pk, held) in enumerate(cursor.fetchall()):
            filled = fill(json.loads(held), f"{code}{number}".__str__) if held else None
            if filled is not None:
                cursor.execute(
                    f'UPDATE "{sown.schema}"."{table}" SET "{field.column}" = %s WHERE "{key}" = %s',
                    [json.dumps(filled), pk],
                )
