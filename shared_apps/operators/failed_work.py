"""What failed, over all tenants: messages that were given up, jobs that do not end well, webhooks, files, letters.

The counts in public (`TenantHealth`, the clock's own table) tell whose schemas are worth opening: a page opens those of
at most `SCHEMAS` tenants, however many there are. What failed in one way in one tenant is one row, and is tried again
as one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts import trail
from shared_apps.accounts.models import MOST_SEND_TRIES, EmailCode
from shared_apps.billing.models import BillingLetter
from shared_apps.billing.subscription_querysets import MOST_TRIES as MOST_BILLING_TRIES
from shared_apps.departures.letters import MOST_TRIES as MOST_DEPARTURE_TRIES
from shared_apps.departures.models import DepartureLetter
from shared_apps.operators.errors import NothingToRetry
from shared_apps.operators.measuring import FAILING_TRIES, WEEK, measure
from shared_apps.operators.models import TenantHealth
from tenant_apps.activity import standing
from tenant_apps.imports import services as imports
from tenant_apps.webhooks import services as webhooks
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.topics import TEST
from tenants import due, schema_state
from tenants.context import in_public, in_tenant
from tenants.models import DueJob, Tenant

# So many tenants' schemas are opened for one page, those with the most that failed first; so many rows of each kind.
SCHEMAS, ROWS = 20, 200
MESSAGE, JOB, WEBHOOK, LETTER = "message", "job", "webhook", "letter"
FILE, BILLING, DEPARTURE = "import", "billing_letter", "departure_letter"
KINDS: dict[str, Any] = {
    MESSAGE: _("Message that was given up"),
    JOB: _("Job that fails"),
    WEBHOOK: _("Webhook that was given up"),
    LETTER: _("Letter about an account"),
    FILE: _("File that was given up"),
    BILLING: _("Letter about a subscription"),
    DEPARTURE: _("Letter about the end of a site"),
}
KIND_NAMES = list(KINDS)
_LETTER_WORDS = _("The mail server did not take it ten times.")
_WITH_SCHEMA = (Tenant.Status.OPEN, Tenant.Status.SUSPENDED, Tenant.Status.CLOSING)


@dataclass(frozen=True)
class Failure:
    """One way in which something failed in one tenant; `tenant` is None for the platform's own letters.

    `what` is the topic, the job or the webhook's id: with kind and tenant it names the row for `retry`. `reason` is for
    people, `error` for programmers. Nothing of a message's content is in it.
    """

    kind: str
    tenant: Tenant | None
    what: str
    label: str
    count: int
    last_at: datetime | None
    reason: Any
    error: str

    @property
    def kind_label(self) -> Any:
        return KINDS[self.kind]


def failures(tenant: Tenant | None = None) -> list[Failure]:
    """Return what failed, over all tenants or in one: the clock's jobs and letters first, then tenant by tenant."""
    with in_public():
        found = [*_jobs(tenant), *(() if tenant is not None else _letters()), *_owners_letters(tenant)]
        where = [tenant] if tenant is not None else _tenants_with_failures()
    for each in where:
        if _can_be_read(each):
            found += _inside(each)
    return found


def _can_be_read(tenant: Tenant) -> bool:
    """Whether its schema is there and as this code counts on; one that waits for migrations must not hide the others'
    from whoever is called at night."""
    return tenant.status in _WITH_SCHEMA and not schema_state.is_behind(tenant)


def tenants_left_out() -> int:
    """Return how many tenants with failures are beyond those that one page opens."""
    with in_public():
        return max(0, _troubled().count() - SCHEMAS)


def retry(*, kind: str, tenant: Tenant | None, what: str, operator: Any) -> int:
    """Try a row of `failures` again: ten more tries for messages, at once for jobs. Returns how many were taken up.

    Written into both trails. Raises NothingToRetry if nothing like it has failed any more: somebody was faster.
    """
    with trail.acting(operator):
        if kind == LETTER and tenant is None:
            given = _retry_letters(what)
        elif tenant is None:
            given = 0
        elif kind == JOB:
            given = _retry_job(tenant, what)
        elif kind in (BILLING, DEPARTURE):
            given = _retry_owners_letters(kind, tenant, what)
        elif kind in _INSIDE and _can_be_read(tenant):
            with in_tenant(tenant):
                given = _INSIDE[kind](what, operator)
                if given:
                    measure()
        else:
            given = 0
        if not given:
            raise NothingToRetry
        with in_public():
            target = f"tenants.tenant:{tenant.pk}" if tenant is not None else "accounts.emailcode"
            trail.note(
                "failed_work.retried", tenant.owner_id if tenant is not None else None,
                target=target, by_owner=False, kind=kind, what=what, count=given,
            )  # fmt: skip
    return given


# --- Public tables ------------------------------------------------------------------------------------------------


def _jobs(tenant: Tenant | None) -> Iterator[Failure]:
    rows = DueJob.objects.select_related("tenant").filter(tries__gte=FAILING_TRIES).order_by("-tries", "tenant_id")
    if tenant is not None:
        rows = rows.filter(tenant=tenant)
    for row in rows[:ROWS]:
        parked = row.tries >= due.MOST_TRIES
        reason = _("It failed ten times in a row and is tried about daily.") if parked else _("It is tried again soon.")
        yield Failure(JOB, row.tenant, row.job, row.job, row.tries, None, reason, "")


def _letters() -> Iterator[Failure]:
    given_up = EmailCode.objects.filter(sent_at=None, used_at=None, send_tries__gte=MOST_SEND_TRIES)
    for row in given_up.values("purpose").annotate(count=Count("pk"), last=Max("created_at")).order_by("purpose"):
        label = str(EmailCode.Purpose(row["purpose"]).label)
        yield Failure(LETTER, None, row["purpose"], label, row["count"], row["last"], _LETTER_WORDS, "")


def _owners_letters(tenant: Tenant | None) -> Iterator[Failure]:
    """Letters to owners that the platform's mail server did not take: about their subscription, about their leaving."""
    for kind, rows in _given_up().items():
        mine = rows if tenant is None else rows.filter(tenant=tenant)
        counted = mine.values("tenant_id", "kind").annotate(count=Count("pk"), last=Max(_LAST[kind]))
        found = list(counted.order_by("-last", "tenant_id", "kind")[:ROWS])
        tenants = Tenant.objects.in_bulk({row["tenant_id"] for row in found})
        for row in found:
            label = str(rows.model.Kind(row["kind"]).label)
            yield Failure(
                kind, tenants[row["tenant_id"]], row["kind"], label, row["count"], row["last"], _LETTER_WORDS, ""
            )


def _given_up() -> dict[str, Any]:
    return {
        BILLING: BillingLetter.objects.filter(sent_at=None, tries__gte=MOST_BILLING_TRIES),
        DEPARTURE: DepartureLetter.objects.filter(sent_at=None, tries__gte=MOST_DEPARTURE_TRIES),
    }


_LAST = {BILLING: "claimed_at", DEPARTURE: "due_at"}


def _troubled() -> Any:
    return TenantHealth.objects.filter(Q(parked__gt=0) | Q(webhooks_failed__gt=0) | Q(imports_failed__gt=0))


def _tenants_with_failures() -> list[Tenant]:
    rows = _troubled().select_related("tenant")
    rows = rows.order_by("-parked", "-webhooks_failed", "-imports_failed", "tenant_id")
    return [row.tenant for row in rows[:SCHEMAS]]


def _retry_job(tenant: Tenant, job: str) -> int:
    with in_public():
        failing = DueJob.objects.filter(tenant=tenant, job=job, tries__gte=FAILING_TRIES)
        return failing.update(tries=0, due_at=timezone.now(), wanted_at=None)


def _retry_letters(purpose: str) -> int:
    with in_public():
        given_up = EmailCode.objects.filter(purpose=purpose, sent_at=None, used_at=None)
        return given_up.filter(send_tries__gte=MOST_SEND_TRIES).update(send_tries=0, claimed_at=None)


def _retry_owners_letters(kind: str, tenant: Tenant, what: str) -> int:
    with in_public():
        given_up = _given_up()[kind].filter(tenant=tenant, kind=what)
        if kind == BILLING:
            return int(given_up.update(tries=0, claimed_at=None))
        return int(given_up.update(tries=0, due_at=timezone.now()))


# --- Inside a tenant ----------------------------------------------------------------------------------------------


def _inside(tenant: Tenant) -> list[Failure]:
    with in_tenant(tenant):
        return [*_messages(tenant), *_webhooks(tenant), *_files(tenant)]


def _messages(tenant: Tenant) -> Iterator[Failure]:
    """Parked messages by topic, each with its newest error; two statements."""
    counted = standing.parked().order_by().values("topic").annotate(count=Count("pk"), last=Max("parked_at"))
    rows = list(counted.order_by("-last")[:ROWS])
    if not rows:
        return
    newest = standing.parked().filter(topic__in=[row["topic"] for row in rows]).order_by("topic", "-parked_at")
    samples = {message.topic: message for message in newest.distinct("topic")}
    for row in rows:
        sample = samples.get(row["topic"])
        reason, error = (standing.reason(sample), sample.last_error) if sample is not None else ("", "")
        yield Failure(MESSAGE, tenant, row["topic"], row["topic"], row["count"], row["last"], reason, error)


def _webhooks(tenant: Tenant) -> Iterator[Failure]:
    failed = WebhookDelivery.objects.filter(
        status=WebhookDelivery.Status.FAILED, done_at__gt=timezone.now() - WEEK, endpoint__enabled=True
    ).exclude(event__topic=TEST)
    rows = failed.values("endpoint_id", "endpoint__url").annotate(
        count=Count("pk"), last=Max("done_at"), status=Max("http_status")
    )
    for row in rows.order_by("-last")[:ROWS]:
        reason = _("The other side did not take it for three days.")
        error = f"HTTP {row['status']}" if row["status"] else ""
        yield Failure(
            WEBHOOK, tenant, str(row["endpoint_id"]), row["endpoint__url"], row["count"], row["last"], reason, error
        )


def _retry_webhook(what: str, operator: Any) -> int:
    """Send an address once more what it was not told in the last week. What staff switched off stays off."""
    try:
        endpoint = WebhookEndpoint.objects.filter(pk=what, enabled=True).first()
    except ValidationError:  # not the id of anything
        endpoint = None
    if endpoint is None:
        return 0
    given_up = WebhookDelivery.objects.filter(
        endpoint=endpoint, status=WebhookDelivery.Status.FAILED, done_at__gt=timezone.now() - WEEK
    ).exclude(event__topic=TEST)
    first = given_up.aggregate(first=Min("event__created_at"))["first"]
    return webhooks.replay_since(endpoint, first, failed_only=True, actor=operator) if first else 0


def _files(tenant: Tenant) -> Iterator[Failure]:
    """Files that a fault of ours ended in the last week; nothing of them was written. By what they are of."""
    rows = imports.given_up(timezone.now() - WEEK).values("resource")
    for row in rows.annotate(count=Count("pk"), last=Max("modified_at")).order_by("-last")[:ROWS]:
        reason = _("A fault of the program ended it; nothing was written.")
        yield Failure(FILE, tenant, row["resource"], row["resource"], row["count"], row["last"], reason, "")


def _retry_files(what: str, operator: Any) -> int:
    """Let the week's files of a kind be checked once more: what they are to do with them then, their people say."""
    given = 0
    for job in imports.given_up(timezone.now() - WEEK).filter(resource=what).defer("content", "errors_file"):
        given += imports.check_again(job, actor=operator)
    return given


def _retry_messages(what: str, operator: Any) -> int:
    return standing.retry_all(what, actor=operator)


_INSIDE: dict[str, Callable[[str, Any], int]] = {
    MESSAGE: _retry_messages,
    WEBHOOK: _retry_webhook,
    FILE: _retry_files,
}
