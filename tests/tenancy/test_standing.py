"""Suspending with a cause, closing with days of grace, and taking both back (N6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry
from shared_apps.core.errors import WrongState
from tenants import lookup
from tenants.models import RetiredSlug, Tenant
from tenants.provisioning import begin_closing, close, resume, stay_open, suspend


def seen(tenant: Any) -> Tenant:
    """The tenant as the next request finds it."""
    found = lookup.by_schema(tenant.schema_name)
    assert found is not None
    return found


def test_a_tenant_is_open_again_when_no_cause_is_left(alpha: Any) -> None:
    suspend(alpha, cause="billing", reason="Invoice 7 is 21 days late.")
    suspend(alpha, cause="owner")
    assert set(seen(alpha).suspensions) == {"billing", "owner"}
    resume(alpha, cause="owner")
    assert seen(alpha).status == "suspended"
    resume(alpha, cause="billing")
    found = seen(alpha)
    assert (found.status, found.suspensions, found.suspended_at) == ("open", {}, None)


def test_one_cause_cannot_lift_what_another_set(alpha: Any) -> None:
    suspend(alpha, cause="operator", reason="Fraud.")
    resume(alpha, cause="owner")
    resume(alpha, cause="billing")
    assert seen(alpha).suspensions["operator"]["reason"] == "Fraud."
    assert seen(alpha).status == "suspended"


def test_the_same_cause_twice_keeps_its_first_reason_and_leaves_one_line(alpha: Any) -> None:
    suspend(alpha, reason="First.")
    since = alpha.suspended_at
    suspend(alpha, reason="Second.")
    assert alpha.suspensions["operator"]["reason"] == "First." and alpha.suspended_at == since
    entry = PlatformAuditEntry.objects.get(topic="tenant.suspended")
    assert (entry.details["cause"], entry.details["reason"]) == ("operator", "First.")


def test_a_cause_that_nobody_knows_is_a_fault(alpha: Any) -> None:
    with pytest.raises(ValueError, match="whim"):
        suspend(alpha, cause="whim")
    assert seen(alpha).status == "open"


def test_what_a_request_does_to_its_copy_changes_nobody_elses(alpha: Any) -> None:
    suspend(alpha)
    seen(alpha).suspensions.clear()
    assert set(seen(alpha).suspensions) == {"operator"}


def test_closing_has_days_of_grace_in_which_it_is_taken_back(alpha: Any, settings: Any) -> None:
    settings.TENANT_CLOSING_DAYS = 14
    begin_closing(alpha, reason="We move on.")
    found = seen(alpha)
    assert found.status == "closing" and found.closes_at is not None
    assert timedelta(days=13) < found.closes_at - timezone.now() <= timedelta(days=14)
    first = found.closes_at
    assert begin_closing(alpha).closes_at == first
    assert not Tenant.objects.over().exists()
    assert Tenant.objects.over(now=first).get() == alpha
    stay_open(alpha)
    assert (seen(alpha).status, seen(alpha).closes_at) == ("open", None)
    assert not RetiredSlug.objects.exists()


def test_who_was_suspended_before_closing_is_suspended_after_it_was_taken_back(alpha: Any) -> None:
    suspend(alpha, cause="billing")
    begin_closing(alpha)
    assert seen(alpha).status == "closing"
    suspend(alpha, cause="operator")
    resume(alpha, cause="operator")
    assert seen(alpha).status == "closing"
    stay_open(alpha)
    assert seen(alpha).status == "suspended"


def test_who_closed_for_good_neither_resumes_nor_closes_again(alpha: Any) -> None:
    begin_closing(alpha)
    close(alpha)
    assert close(alpha).status == "closed" and alpha.closed_at is not None
    assert PlatformAuditEntry.objects.filter(topic="tenant.closed").count() == 1
    for move in (suspend, resume, begin_closing, stay_open):
        with pytest.raises(WrongState):
            move(alpha)
