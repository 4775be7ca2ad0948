"""One transaction for a whole act: what comes last comes last, and what begins anew begins as a whole."""

import pytest
from django.db import connection, transaction

from shared_apps.core.attempts import MOST_ATTEMPTS, Again, last, whole
from shared_apps.core.errors import Busy, SoldOut
from tenant_apps.activity.models import AuditEntry

pytestmark = pytest.mark.usefixtures("in_alpha")


def write(topic):
    AuditEntry.objects.create(topic=topic)


def topics():
    return sorted(AuditEntry.objects.filter(topic__startswith="try").values_list("topic", flat=True))


def test_what_is_last_comes_after_everything_of_all_parts():
    told = []

    def inner():
        last(lambda: told.append("last"))
        told.append("inner")

    def outer():
        whole(inner)
        told.append("outer")

    whole(outer)
    assert told == ["inner", "outer", "last"]


def test_outside_of_any_it_is_done_at_once():
    told = []
    last(lambda: told.append(1))
    assert told == [1]


def test_a_refusal_of_the_last_act_undoes_the_whole():
    def act():
        write("try 1")
        last(refuse)

    def refuse():
        raise SoldOut(what="it")

    with pytest.raises(SoldOut):
        whole(act)
    assert topics() == []


def test_it_begins_anew_while_that_is_worth_it():
    seen = []

    def act():
        seen.append(topics())
        write(f"try {len(seen)}")
        if len(seen) < 3:
            raise Again(SoldOut(what="it"), lambda: write("try none") is None)

    whole(act)
    assert seen == [[], ["try none"], ["try none", "try none"]]
    assert topics() == ["try 3", "try none", "try none"]


@pytest.mark.parametrize(("worth_it", "tries"), [(True, MOST_ATTEMPTS), (False, 1)])
def test_it_ends_with_the_refusal(worth_it, tries):
    seen = []

    def act():
        seen.append(1)
        raise Again(Busy(), lambda: worth_it)

    with pytest.raises(Busy):
        whole(act)
    assert len(seen) == tries


def test_what_is_rolled_back_on_purpose_has_no_last_act():
    told = []

    def act():
        write("try 1")
        last(lambda: told.append(1))
        transaction.set_rollback(True)
        return "refused"

    with transaction.atomic():
        assert whole(act) == "refused"
    assert not told and topics() == []
    assert not connection.needs_rollback
