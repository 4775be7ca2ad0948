"""A question that is prepared finds what its QuerySet finds."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.core.prepared import Prepared
from tenant_apps.events.models import Question
from tenant_apps.ticketing.models import TicketPriceTier, TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_quota, make_ticket_type


def everything_of(row):
    told = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return told, {name: value for name, value in vars(row).items() if name.endswith(("_rows", "_ids", "asked"))}


def test_types_come_with_their_event_quotas_tiers_and_discounts_as_the_orm_reads_them(in_alpha):
    from tenant_apps.orders.answers import with_questions
    from tenant_apps.orders.selection import _read
    from tenant_apps.promotions.models import Discount

    event, now = make_event(), timezone.now()
    kind = make_ticket_type(event)
    make_quota(event, name="House", ticket_types=[kind])
    TicketPriceTier.objects.create(ticket_type=kind, name="Early", price_minor=900, until=now + timedelta(days=1))
    Question.objects.create(event=event, text="Meal?", kind="choice", choices=["a", "b"])
    Discount.objects.create(name="Ten", kind="percent", percent=10)
    _read([kind.pk], now)
    with CaptureQueriesContext(connection) as captured:
        (found,) = _read([kind.pk], now)
        assert found.event.title == event.title
    assert len(captured) == 1
    rows = with_questions(TicketType.objects.select_related("event").with_quota_ids().with_tiers())
    expected = rows.annotate(discount_rows=Discount.objects.as_rows(now)).get(pk=kind.pk)
    assert everything_of(found) == everything_of(expected)
    assert everything_of(found.event) == everything_of(expected.event)
    assert len(found.quota_ids) == 2 and found.tier_rows and found.asked and found.discount_rows


def test_the_text_is_kept_and_never_the_rows(alpha, beta):
    ask = Prepared(lambda names: TicketType.objects.extra(**names.among("ticketing_tickettype.name")))
    for tenant, count in ((alpha, 1), (beta, 0), (alpha, 1)):
        with in_tenant(tenant):
            if not TicketType.objects.exists() and count:
                make_ticket_type(name="Only here")
            assert len(ask(["Only here", "Nowhere"])) == count
