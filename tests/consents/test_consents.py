"""Who agreed to which words, when: asked at checkout, written with the order, never rewritten (P3)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.core.personal import is_erased
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry
from tenant_apps.consents import texts
from tenant_apps.consents.errors import ConsentBinds, ConsentRequired
from tenant_apps.consents.models import Consent, LegalText
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.models import Order
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_ticket_type, make_user, owner_of

TERMS = {"title": "Terms of sale", "body": "No refunds on rainy days."}


def published(code: str = "terms", required: bool = True, **words: str) -> LegalText:
    return texts.publish(code, required=required, actor=None, **{**TERMS, **words})


def order(kind: Any, *agreed: int, **more: Any) -> Order:
    return place_order(Basket(email="ada@example.test", lines=[BasketLine(kind.pk)], agreed=agreed, **more))


def test_without_the_required_texts_there_is_no_order_and_with_them_it_is_kept_who_agreed(in_alpha: Any) -> None:
    kind = make_ticket_type(make_event())
    terms, news = published(), published("news", required=False, title="News by mail")
    with pytest.raises(ConsentRequired) as refused:
        order(kind, news.pk)
    assert [each.field for each in refused.value.errors] == [f"agreed.{terms.pk}"]
    assert not Order.objects.exists() and not Consent.objects.exists()
    one, two = order(kind, terms.pk), order(kind, terms.pk, news.pk, 10**9)
    kept = Consent.objects.values_list("order_id", "text__code", "text__version", "email")
    assert set(kept.filter(order_id=one.pk)) == {(one.pk, "terms", 1, "ada@example.test")}
    assert {row[1] for row in kept.filter(order_id=two.pk)} == {"terms", "news"}
    assert Consent.objects.filter(order_id=one.pk).get().agreed_at == one.created_at


def test_who_agreed_to_other_words_is_asked_again(in_alpha: Any) -> None:
    kind = make_ticket_type(make_event())
    first = published()
    agreed = order(kind, first.pk)
    second = published(body="No refunds at all.")
    assert (second.version, LegalText.objects.get(pk=first.pk).body) == (2, TERMS["body"])
    with pytest.raises(ConsentRequired):
        order(kind, first.pk)
    assert Consent.objects.get(order_id=agreed.pk).text_id == first.pk
    assert published(body="No refunds at all.").pk == second.pk, "the same words are no new version"
    texts.withdraw("terms", actor=None)
    assert order(kind).pk


def test_a_consent_costs_an_order_no_statement(in_alpha: Any) -> None:
    kind = make_ticket_type(make_event(), price_minor=0)
    order(kind)
    with CaptureQueriesContext(connection) as without:
        order(kind)
    terms = published()
    order(kind, terms.pk)  # the first after a look into public names the search path
    with CaptureQueriesContext(connection) as with_one:
        order(kind, terms.pk)
    assert len(with_one) == len(without)


def test_the_counter_asks_nobody(in_alpha: Any) -> None:
    published()
    assert order(make_ticket_type(make_event()), channel="box_office").status == Order.Status.PAID


def test_whoever_was_killed_before_the_copy_is_followed_by_the_outbox(in_alpha: Any, monkeypatch: Any) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(texts, "follow", _die)
        published()
    assert texts.asked() == []
    deliver_due()
    assert [each.code for each in texts.asked(Tenant.objects.get(pk=in_alpha.pk))] == ["terms"]


def _die() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "words", [{"code": "Te rms"}, {"code": "x"}, {"title": " "}, {"body": ""}, {"title": "a\x07"}, {"title": "a" * 201}]
)
def test_what_is_no_text_is_refused(in_alpha: Any, words: dict[str, str]) -> None:
    from shared_apps.core.errors import InvalidInput

    with pytest.raises(InvalidInput):
        published(**words)
    assert not LegalText.objects.exists() and texts.asked() == []


def test_what_was_not_required_can_be_taken_back_and_what_was_cannot(in_alpha: Any) -> None:
    kind = make_ticket_type(make_event())
    terms, news = published(), published("news", required=False)
    order(kind, terms.pk, news.pk)
    texts.take_back(Consent.objects.get(text=news), actor=None)
    assert Consent.objects.get(text=news).withdrawn_at is not None
    with pytest.raises(ConsentBinds):
        texts.take_back(Consent.objects.get(text=terms), actor=None)
    assert AuditEntry.objects.filter(topic="consent.withdrawn").count() == 1


def test_a_person_gets_their_consents_and_is_forgotten_with_them(in_alpha: Any) -> None:
    from shared_apps.core import personal
    from tenant_apps.orders.consent_personal import own_consents

    order(make_ticket_type(make_event()), published().pk)
    somebody = personal.Person(0, "ada@example.test", "", "erased-1@erased.invalid")
    holding = next(each for each in personal.holdings(["consents"]) if each.title == "consents")
    assert [row["version"] for row in holding.export(somebody)] == [1]
    assert holding.erase(somebody) == 1
    row = Consent.objects.get()
    assert is_erased(row.email) and row.user_id is None and row.address is None
    assert own_consents(somebody).count() == 1, "that somebody agreed stays with the order"


def test_the_api_asks_and_answers(alpha: Any, client_for: Any) -> None:
    owner, guest = client_for(alpha, owner_of(alpha)), client_for(alpha)
    with in_tenant(alpha):
        kind = make_ticket_type(make_event())
    assert guest.get("/api/v1/legal-texts/").json() == []
    made = owner.post("/api/v1/legal-texts/", {"code": "terms", **TERMS}, format="json")
    assert made.status_code == 201
    assert client_for(alpha, make_user()).post("/api/v1/legal-texts/", {"code": "x"}).status_code == 403
    asked = guest.get("/api/v1/legal-texts/").json()
    body = {"email": "ada@example.test", "lines": [{"ticket_type": kind.pk}]}
    refused = guest.post("/api/v1/orders/", body, format="json", headers={"Idempotency-Key": "one"})
    assert (refused.status_code, refused.json()["code"]) == (400, "consent_required")
    assert refused.json()["errors"][0]["field"] == f"agreed.{asked[0]['id']}"
    body["agreed"] = [asked[0]["id"]]
    assert guest.post("/api/v1/orders/", body, format="json", headers={"Idempotency-Key": "two"}).status_code == 201
    found = owner.get("/api/v1/consents/?search=ADA@example.test").json()["results"]
    assert [(each["text"], each["version"], each["email"]) for each in found] == [("terms", 1, "ada@example.test")]
    assert owner.get("/api/v1/consents/?search=nobody").json()["results"] == []
    again = owner.post(f"/api/v1/consents/{found[0]['id']}/withdraw/")
    assert (again.status_code, again.json()["code"]) == (409, "consent_required")
    assert owner.delete("/api/v1/legal-texts/terms/").status_code == 204
    assert guest.get("/api/v1/legal-texts/terms/").status_code == 404


def test_the_checkout_page_has_a_box_and_keeps_what_was_ticked(alpha: Any, page_for: Any) -> None:
    with in_tenant(alpha):
        event = make_event("Gala", slug="gala")
        kind = make_ticket_type(event)
        terms = published()
        news = published("news", required=False, title="News by mail")
    page = page_for(alpha)
    assert "No refunds on rainy days" in page.get("/legal/terms/").content.decode()
    page.post("/events/gala/", {f"quantity_{kind.pk}": "1"})
    page.post("/events/gala/cart/", {f"quantity_{kind.pk}": "1"})
    shown = page.get("/checkout/").content.decode()
    assert f'name="agree_{terms.pk}"' in shown and "checked" not in shown.split(f'name="agree_{terms.pk}"')[1][:60]
    sent = {"email": "ada@example.test", "name": "Ada", f"agree_{news.pk}": "1", "provider": "manual"}
    refused = page.post("/checkout/", sent)
    assert refused.status_code == 400
    text = refused.content.decode()
    assert "Please agree to: Terms of sale" in text
    assert "checked" in text.split(f'name="agree_{news.pk}"')[1][:60]
    assert page.post("/checkout/", {**sent, f"agree_{terms.pk}": "1"}).status_code == 302
    with in_tenant(alpha):
        assert set(Consent.objects.values_list("text__code", flat=True)) == {"terms", "news"}


def test_staff_publish_on_the_page_and_see_who_agreed(alpha: Any, page_for: Any) -> None:
    page = page_for(alpha, owner_of(alpha))
    assert page.post("/dashboard/settings/legal/new/", {"code": "t"}).status_code == 400
    page.post("/dashboard/settings/legal/new/", {"code": "terms", "required": "on", **TERMS})
    page.post("/dashboard/settings/legal/terms/", {"title": "Terms", "required": "on", "body": "Other words."})
    with in_tenant(Tenant.objects.get(pk=alpha.pk)):
        terms = texts.current("terms")
        assert (terms.version, terms.title) == (2, "Terms")
        order(make_ticket_type(make_event()), terms.pk)
    assert "1 consent" in page.get("/dashboard/settings/legal/").content.decode()
    assert "ada@example.test" in page.get("/dashboard/consents/?q=ada@example.test").content.decode()
    page.post("/dashboard/settings/legal/terms/withdraw/")
    assert page_for(alpha).get("/legal/terms/").status_code == 404
