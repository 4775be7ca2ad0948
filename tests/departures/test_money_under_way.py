"""A site does not close while buyers' money is on its way back: nobody would send it any more (G1, O5)."""

from typing import Any

import pytest

from tenant_apps.payments.models import MassRefund, Payment, Refund
from tenants import provisioning
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import PASSWORD, make_event, make_paid_order, make_ticket_type

PAGE = "/dashboard/export/"
API = "/api/v1/tenants/alpha/closing/"
PROOF = {"slug": "alpha", "password": PASSWORD}


@pytest.fixture
def owner(alpha: Any) -> Any:
    alpha.owner.set_password(PASSWORD)
    alpha.owner.save()
    return alpha.owner


@pytest.fixture
def refund(alpha: Any) -> Refund:
    """A refund that the provider has not done yet."""
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(make_event("Gala"), price_minor=1500))
        Payment.objects.filter(order=order).update(refunding_minor=1500)
        payment = Payment.objects.get(order=order)
        return Refund.objects.create(payment=payment, amount_minor=1500, currency="EUR")


def status() -> str:
    return str(Tenant.objects.get(slug="alpha").status)


def test_a_site_closes_only_when_no_money_is_on_its_way_back(
    alpha: Any, owner: Any, refund: Refund, client_for: Any, page_for: Any
) -> None:
    client = client_for(None, owner)
    refused = client.post(API, PROOF, format="json")
    assert (refused.status_code, refused.json()["code"], status()) == (409, "refunds_under_way", "open")
    shown = page_for(alpha, owner).post(f"{PAGE}close/", PROOF)
    assert shown.status_code == 409 and "Refunds to buyers are under way: 1." in shown.content.decode()
    assert client.delete("/api/v1/tenants/alpha/", PROOF, format="json").json()["code"] == "refunds_under_way"
    with in_tenant(alpha):
        Refund.objects.update(status="succeeded")
        mass = MassRefund.objects.create(event=make_event("Called off"))
    assert client.post(API, PROOF, format="json").json()["code"] == "refunds_under_way"
    with in_tenant(alpha):
        MassRefund.objects.filter(pk=mass.pk).update(status="done")
    assert client.post(API, PROOF, format="json").status_code == 202
    assert status() == "closing"


def test_what_is_under_way_is_told_to_nobody_who_does_not_prove_who_they_are(
    alpha: Any, owner: Any, refund: Refund, client_for: Any
) -> None:
    refused = client_for(None, owner).post(API, {**PROOF, "password": "not this one"}, format="json")
    assert refused.json()["code"] == "password_wrong"


def test_a_site_that_the_platform_stopped_can_be_left_all_the_same(
    alpha: Any, owner: Any, refund: Refund, client_for: Any
) -> None:
    """Its owner cannot bring it to an end: no job of theirs runs."""
    provisioning.suspend(alpha, cause="billing")
    assert client_for(None, owner).post(API, PROOF, format="json").status_code == 202
