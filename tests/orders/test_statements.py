"""What an order costs Postgres: all that goes over the wire between a request and its answer."""

import pytest
from django.db import connection

from bench.counting import statements_through
from tenants.context import in_tenant
from tests.factories import bearer, make_ticket_type, make_user

# The goal of the product; what it is today stands in the tests.
MOST = 12


def sent_for(alpha, client_for, kind, user=None, expect=201, **fields):
    """Return the statements of an order in a process that is warm: it knows the tenant, and was asked before."""
    client = client_for(alpha)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer(user)}")

    def order(key):
        body = {"email": f"{key}@example.test", "lines": [{"ticket_type": kind.pk}], **fields}
        answer = client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)
        assert answer.status_code == expect, answer.content

    with statements_through(connection) as sent:
        order("first")
        before = len(sent)
        order("second")
        return [" ".join(each.split()[:3]) for each in sent[before:]], sent[before:]


@pytest.mark.usefixtures("transactional_db")
class TestAnOrder:
    def test_that_is_free_is_eight_statements_and_the_claim_is_the_last_before_the_commit(self, alpha, client_for):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
        heads, sent = sent_for(alpha, client_for, kind)
        assert heads == [
            "BEGIN",
            'INSERT INTO "activity_idempotent"',
            'SELECT "ticketing_tickettype"."id", "ticketing_tickettype"."created_at",',
            "WITH new_0 AS",
            'SELECT "ticketing_eventkey"."id", "ticketing_eventkey"."event_id",',
            'UPDATE "activity_idempotent" SET',
            'UPDATE "ticketing_quota" SET',
            "COMMIT",
        ], sent
        # What is written keeps the events and types as they are until the commit (M1, M6).
        assert sent[3].endswith("FOR KEY SHARE")

    def test_that_is_to_be_paid_takes_no_more_than_the_goal(self, alpha, client_for):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=1200)
        heads, sent = sent_for(alpha, client_for, kind, provider="manual")
        assert len(sent) == 11, heads
        assert heads[-2:] == ['UPDATE "ticketing_quota" SET', "COMMIT"]

    def test_of_somebody_signed_in_takes_no_more_than_the_goal(self, alpha, client_for):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0)
        heads, sent = sent_for(alpha, client_for, kind, user=make_user())
        assert len(sent) <= MOST, heads
        assert heads[-2:] == ['UPDATE "ticketing_quota" SET', "COMMIT"]

    def test_for_what_is_sold_out_is_refused_before_anything_is_written(self, alpha, client_for):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=0, capacity=1)
            kind.quotas.update(sold=1)
        heads, sent = sent_for(alpha, client_for, kind, expect=409)
        # The rollback of the refusal before it took the search path back.
        assert [each.split()[0] for each in heads] == ["BEGIN", "SET", "INSERT", "SELECT", "ROLLBACK"], sent
