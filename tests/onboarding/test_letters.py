"""A few letters in the first week, by the clock: each once, none that no longer fits, none for who wants none."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.notifications.models import Suppression
from tenant_apps.onboarding import letters
from tenant_apps.onboarding.tasks import write_letters
from tenants import due
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, owner_of


@pytest.fixture
def fresh(alpha):
    """Alpha as if it had been opened at this moment."""
    Tenant.objects.filter(pk=alpha.pk).update(created_at=timezone.now())
    tenant = Tenant.objects.get(pk=alpha.pk)
    with in_tenant(tenant):
        letters.planned().delete()
        letters.plan(tenant)
        yield tenant


def told(tenant, **after):
    """What the owner has in the mailbox after the clock has gone on."""
    before = len(mail.outbox)
    letters.write(tenant.created_at + timedelta(**after))
    deliver_due()
    return [letter.subject for letter in mail.outbox[before:] if letter.to[0].endswith(f"{owner_of(tenant).email}>")]


def test_the_owner_hears_what_comes_next_day_by_day(fresh):
    assert told(fresh, minutes=1) == ["Alpha is open"]
    assert "http://alpha.localhost" in mail.outbox[-1].body and "List-Unsubscribe" in mail.outbox[-1].extra_headers
    assert told(fresh, hours=2) == []
    assert told(fresh, days=1, minutes=1) == ["What will Alpha sell first?"]
    assert told(fresh, days=3, minutes=1) == ["How buyers pay you"]
    assert told(fresh, days=7, minutes=1) == ["Tell people about Alpha"]
    assert told(fresh, days=30) == [] and not letters.planned().exists()


def test_what_is_done_is_not_asked_for(fresh):
    make_event("Gala")
    assert told(fresh, minutes=1) == ["Alpha is open"]
    assert told(fresh, days=1, minutes=1) == []


def test_after_a_standstill_comes_one_letter_and_not_three(fresh):
    assert told(fresh, days=4) == ["How buyers pay you"]
    assert told(fresh, days=5) == []


def test_switched_off_nothing_is_sent_and_nothing_is_made_up_for(fresh):
    fresh.preferences = {"onboarding_mails": False}
    assert told(fresh, days=2) == []
    fresh.preferences = {}
    assert told(fresh, days=2, hours=1) == []


def test_who_unsubscribed_by_the_link_gets_no_more(fresh):
    Suppression.objects.create(address=owner_of(fresh).email, topic=letters.TOPIC.name)
    assert told(fresh, minutes=1) == []


def test_a_letter_that_is_written_twice_is_sent_once(fresh):
    assert told(fresh, minutes=1) == ["Alpha is open"]
    letters.plan(fresh)  # as after a restore of a backup of that moment
    assert told(fresh, minutes=2) == []


def test_the_job_is_due_when_a_letter_is(fresh):
    assert due.ask(timezone.now())["onboarding.write_letters"] == fresh.created_at
    write_letters()
    assert due.ask(timezone.now())["onboarding.write_letters"] == fresh.created_at + timedelta(days=1)


def test_a_tenant_that_was_there_before_there_were_letters_gets_none(fresh):
    letters.planned().delete()
    assert told(fresh, days=1) == [] and due.ask(timezone.now())["onboarding.write_letters"] is None
