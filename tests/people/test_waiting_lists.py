"""A person's places on waiting lists: taken along, and given up with the account (P3)."""

import json

from shared_apps.people import requests
from tenant_apps.orders import services, waiting
from tenant_apps.orders.models import WaitingEntry
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user
from tests.people.test_data_requests import ADA, BOB, erase, naming, tables_of


def test_who_is_erased_waits_no_more_and_the_next_in_line_is_offered_the_place(alpha, beta, deliver):
    ada = make_user(ADA, name="Ada Lovelace")
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Night of Strings"), capacity=1)
        order = make_paid_order(kind)
        for email, user in ((ADA, ada), (BOB, None)):
            waiting.join(kind.event, ticket_type=kind.pk, quantity=1, email=email, user=user)
        services.cancel(order, by_staff=True)
        assert WaitingEntry.objects.get(email=ADA).status == "offered"
    deliver(alpha)
    assert naming(ADA, alpha)
    requests.work(erase(ada).pk)
    assert naming(ADA, alpha, beta) == []
    with in_tenant(alpha):
        assert dict(WaitingEntry.objects.values_list("email", "status"))[BOB] == "offered"
        assert kind.quotas.get().held == 1
        assert breaches_in(alpha) == []


def test_the_archive_tells_of_ones_own_places_in_line_and_of_nobody_elses(alpha):
    ada = make_user(ADA, name="Ada Lovelace")
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Night of Strings"), capacity=1, name="Balcony")
        make_paid_order(kind)
        for email in (ADA, BOB):
            waiting.join(kind.event, ticket_type=kind.pk, quantity=1, email=email)
    request = requests.ask_for_export(ada)
    requests.work(request.pk)
    [row] = json.loads(tables_of(requests.archive_of(ada, request.pk))["alpha/waiting_lists.json"])
    assert (row["email"], row["event"], row["ticket"], row["status"]) == (ADA, "Night of Strings", "Balcony", "waiting")
