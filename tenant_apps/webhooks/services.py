"""Everything that changes what programs are told, and asks for deliveries once more."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.codes import uuid7
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.outgoing import AddressRefused, check_address
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.webhooks import secrets
from tenant_apps.webhooks.bodies import test_body
from tenant_apps.webhooks.errors import (
    EndpointOff,
    TestsWaiting,
    TooFarBack,
    TooManyEndpoints,
    TooManyToReplay,
    UnknownTopic,
)
from tenant_apps.webhooks.fan_out import TRY_FOR
from tenant_apps.webhooks.keeping import KEPT
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tenant_apps.webhooks.tasks import deliver_soon
from tenant_apps.webhooks.topics import EVERYTHING, TEST, unknown
from tenants.context import current_tenant

Status = WebhookDelivery.Status
MOST_ENDPOINTS = 20
LONGEST_URL = 500
MOST_REPLAYED = 10_000
MOST_TESTS_WAITING = 5
_SHOWN = ("url", "description", "topics", "enabled")


@transaction.atomic
def create_endpoint(
    *, url: str, topics: Iterable[str], description: str = "", enabled: bool = True, actor: Any
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint and return it with its secret, which nobody can see again.

    Raises AddressRefused, UnknownTopic, TooManyEndpoints.
    """
    if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    secret = secrets.new_secret()
    endpoint = WebhookEndpoint(
        url=_address(url), topics=_known(topics), description=description, sealed=secrets.sealed(secret)
    )
    _switch(endpoint, enabled)
    endpoint.save(force_insert=True)
    record("webhook.created", endpoint, actor=actor, details=made(**_facts(endpoint)), deliver=False)
    return endpoint, secret


@transaction.atomic
def change_endpoint(endpoint: WebhookEndpoint, *, actor: Any, **fields: Any) -> WebhookEndpoint:
    """Change some of url, topics, description and enabled. Switching it on forgets its failures.

    What waits for an endpoint that is switched off is sent when it is on again, as long as its three days last.
    """
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    before = _facts(endpoint)
    if "url" in fields:
        endpoint.url = _address(fields["url"])
    if "topics" in fields:
        endpoint.topics = _known(fields["topics"])
    if "description" in fields:
        endpoint.description = fields["description"]
    if "enabled" in fields and fields["enabled"] != endpoint.enabled:
        _switch(endpoint, fields["enabled"])
    if endpoint.url != before["url"]:
        _forget_failures(endpoint)
    after = _facts(endpoint)
    if after != before:
        endpoint.save()
        record("webhook.updated", endpoint, actor=actor, details=before_and_after(before, after), deliver=False)
        deliver_soon()
    return endpoint


@transaction.atomic
def delete_endpoint(endpoint: WebhookEndpoint, *, actor: Any) -> None:
    """Delete an endpoint with its log."""
    record("webhook.deleted", endpoint, actor=actor, details=gone(**_facts(endpoint)), deliver=False)
    WebhookDelivery.objects.filter(endpoint=endpoint).delete()
    endpoint.delete()


@transaction.atomic
def rotate_secret(
    endpoint: WebhookEndpoint, *, overlap: timedelta = secrets.OVERLAP, actor: Any
) -> tuple[WebhookEndpoint, str]:
    """Make a new secret and return it; nobody can see it again. The present one stays live for `overlap`, and no
    longer than a week; one from before it ends now."""
    if not timedelta() <= overlap <= secrets.LONGEST_OVERLAP:
        raise InvalidInput(errors=[FieldError("overlap_hours", "invalid", _("Give 0 to 168 hours."))])
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    live, before = secrets.live(endpoint.sealed), secrets.previous_until(endpoint.sealed)
    secret = secrets.new_secret()
    until = timezone.now() + overlap if live and overlap else None
    endpoint.sealed = secrets.sealed(secret, live[0] if until else "", until)
    endpoint.save(update_fields=["sealed", "modified_at"])
    changed = before_and_after({"both_live_until": before}, {"both_live_until": until})
    details = {"url": endpoint.url, **changed}
    record("webhook.secret_rotated", endpoint, actor=actor, details=details, deliver=False)
    return endpoint, secret


@transaction.atomic
def send_test(endpoint: WebhookEndpoint, *, actor: Any, now: datetime | None = None) -> WebhookDelivery:
    """Put a test on its way, by the same road that all events take; the log shows how it ended."""
    now = now or timezone.now()
    endpoint = _on(endpoint)
    tests = WebhookDelivery.objects.filter(endpoint=endpoint, status=Status.WAITING, event__topic=TEST)
    if tests.count() >= MOST_TESTS_WAITING:
        raise TestsWaiting(retry_after=15)
    event_id = uuid7()
    body = test_body(current_tenant(), event_id=event_id, created_at=now)
    event = WebhookEvent.objects.create(id=event_id, topic=TEST, aggregate=_name(endpoint), body=body, created_at=now)
    delivery = WebhookDelivery.objects.create(
        event=event, endpoint=endpoint, created_at=now, due_at=now, give_up_at=now + TRY_FOR
    )
    _wake(endpoint, now)
    record("webhook.tested", endpoint, actor=actor, details=made(event=event_id), deliver=False)
    return delivery


@transaction.atomic
def replay(delivery: WebhookDelivery, *, actor: Any, now: datetime | None = None) -> WebhookDelivery:
    """Send one delivery once more, with the same body and event id, and new three days. What is on its way already
    is brought forward."""
    now = now or timezone.now()
    endpoint = _on(delivery.endpoint)
    one = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    _again(WebhookDelivery.objects.filter(pk=one.pk), now)
    _wake(endpoint, now)
    change = before_and_after({"status": one.status, "due_at": one.due_at}, {"status": Status.WAITING, "due_at": now})
    details = {"event": str(one.event_id), "delivery": str(one.pk), **change}
    record("webhook.replayed", endpoint, actor=actor, details=details, deliver=False)
    return WebhookDelivery.objects.for_log().get(pk=one.pk)


@transaction.atomic
def replay_since(
    endpoint: WebhookEndpoint, since: datetime, *, failed_only: bool = False, actor: Any, now: datetime | None = None
) -> int:
    """Send once more all events since a time that the endpoint wants, and return how many: those too that happened
    while it was off. `failed_only` leaves out what was delivered or is on its way.

    Raises EndpointOff, TooFarBack, TooManyToReplay.
    """
    now = now or timezone.now()
    if not now - KEPT <= since <= now:
        raise TooFarBack(field="since", days=KEPT.days)
    endpoint = _on(endpoint)
    events = WebhookEvent.objects.filter(created_at__gte=since).exclude(topic=TEST)
    if EVERYTHING not in endpoint.topics:
        events = events.filter(topic__in=endpoint.topics)
    if failed_only:
        fine = WebhookDelivery.objects.filter(endpoint=endpoint).exclude(status=Status.FAILED)
        events = events.exclude(pk__in=fine.values("event_id"))
    ids: list[UUID] = list(events.order_by("created_at", "pk").values_list("pk", flat=True)[: MOST_REPLAYED + 1])
    if len(ids) > MOST_REPLAYED:
        raise TooManyToReplay(field="since", most=MOST_REPLAYED)
    _again(WebhookDelivery.objects.filter(endpoint=endpoint, event__in=ids), now)
    missing = [
        WebhookDelivery(event_id=each, endpoint=endpoint, created_at=now, due_at=now, give_up_at=now + TRY_FOR)
        for each in ids
    ]
    WebhookDelivery.objects.bulk_create(missing, ignore_conflicts=True, batch_size=1000)
    _wake(endpoint, now)
    details = made(since=since.isoformat(), count=len(ids), failed_only=failed_only)
    record("webhook.replayed", endpoint, actor=actor, details=details, deliver=False)
    return len(ids)


def _again(deliveries: Any, now: datetime) -> None:
    """Make them due now. Whoever works on one of them meanwhile finds that it is not theirs any more."""
    deliveries.update(status=Status.WAITING, tries=0, due_at=now, give_up_at=now + TRY_FOR, done_at=None)


def _wake(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Somebody looks at it now: it rests no longer."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk, rest_until__gt=now).update(rest_until=now)
    deliver_soon()


def _on(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if not found.enabled:
        raise EndpointOff
    return found


def _switch(endpoint: WebhookEndpoint, enabled: bool) -> None:
    endpoint.enabled = enabled
    endpoint.disabled_because = "" if enabled else WebhookEndpoint.Why.STAFF
    endpoint.disabled_at = None if enabled else timezone.now()
    if enabled:
        _forget_failures(endpoint)


def _forget_failures(endpoint: WebhookEndpoint) -> None:
    endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, timezone.now()


def _address(url: str) -> str:
    try:
        checked = check_address(url)
    except AddressRefused:
        checked = ""
    if not 0 < len(checked) <= LONGEST_URL:
        raise AddressRefused(field="url")
    return checked


def _known(topics: Iterable[str]) -> list[str]:
    wanted = sorted(set(topics))
    if not wanted:
        raise InvalidInput(errors=[FieldError("topics", "empty", _("Choose at least one topic."))])
    if strange := unknown(wanted):
        raise UnknownTopic(field="topics", topic=strange[0][:60])
    return [EVERYTHING] if EVERYTHING in wanted else wanted


def _facts(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in _SHOWN}


def _name(endpoint: WebhookEndpoint) -> str:
    return f"{endpoint._meta.label_lower}:{endpoint.pk}"
