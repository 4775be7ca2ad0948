"""After a tenant was restored: whoever had themselves erased since the backup was taken is erased there again (P3)."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.core import personal
from shared_apps.people.models import DataRequest, DataRequestStep
from tenants.context import current_tenant, in_public
from tenants.restoring import Restored, afterwards
from tenants.schema_state import labels_of

BATCH = 1000


def erase_again(restored: Restored) -> Iterable[str]:
    """Replace what names people who are erased by now, by what they were called in the backup.

    The account that is left of them says who they are, however long ago it was. What they ordered as guests, without
    their account, is found by the address that they had confirmed. Erasures that are under way do this tenant again.
    """
    gone = 0
    batch: list[dict[str, Any]] = []
    for person in restored.people():
        batch.append(person)
        if len(batch) == BATCH:
            gone += _erase(batch)
            batch = []
    gone += _erase(batch)
    tenant = current_tenant()
    with in_public():
        DataRequestStep.objects.filter(
            tenant_id=tenant.pk,
            done_at__isnull=False,
            request__kind=DataRequest.Kind.ERASURE,
            request__status=DataRequest.Status.RUNNING,
        ).update(done_at=None, due_at=timezone.now())
    return [f"People erased since then, and erased again: {gone}."] if gone else []


def _erase(batch: list[dict[str, Any]]) -> int:
    today = dict(User.objects.filter(pk__in=[each["id"] for each in batch]).values_list("pk", "email"))
    labels, count = labels_of(settings.TENANT_APPS), 0
    for each in batch:
        alias = today.get(each["id"], "")
        if not personal.is_erased(alias) or personal.is_erased(each["email"]):
            continue
        email = each["email"].lower() if each["email_verified_at"] else ""
        person = personal.Person(each["id"], email, each["name"], alias)
        with transaction.atomic():
            person = personal.located(person, labels)
            for holding in personal.holdings(labels):
                if holding.erase is not None:
                    holding.erase(person)
        count += 1
    return count


# First: until it is done, the data says who they were.
afterwards("erasures", erase_again, order=10)
