"""A tenant's own words: plain text with named placeholders, shown before they are kept, never a program (B8)."""

import pytest
from django.core import mail
from django.utils.html import escape

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.notifications import editing
from tenant_apps.notifications.models import Wording
from tenant_apps.notifications.topics import all_topics
from tenant_apps.notifications.wording import default_words, languages
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user, owner_of

PLACED = "/api/v1/message-templates/order.placed/en/"
PAGE = "/dashboard/settings/messages/order.placed/en/"


def put(client, body="{greeting} please pay order {code}.", title="Pay {code}", short="", path=PLACED):
    return client.put(path, {"title": title, "body": body, "short": short})


def test_a_mail_is_in_the_tenants_words_and_in_ours_again_after_a_reset(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    assert put(client, body="{greeting}\n\nYour code is {code}, pay until {until}.").json()["edited"] is True
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        lines = [BasketLine(make_ticket_type().pk, 1)]
        order = place_order(Basket(email="ada@example.test", name="Ada", lines=lines))
        deliver_due()
    assert mail.outbox[0].subject == f"Pay {order.code}"
    assert f"Hello Ada,\n\nYour code is {order.code}, pay until" in mail.outbox[0].body
    assert client.delete(PLACED).json()["edited"] is False
    with in_tenant(alpha):
        order = make_order(make_ticket_type(), email="bob@example.test")
        deliver_due()
        assert AuditEntry.objects.filter(topic__in=("wording.changed", "wording.reset")).count() == 2
    assert mail.outbox[1].subject == f"Order {order.code}: please pay"


@pytest.mark.parametrize(
    "title", ["{{ code }}", "{% include 'x' %}", "{code.__class__}", "{0}", "${code}x", "%(code)s"]
)
def test_what_looks_like_code_is_text(alpha, client_for, title):
    code = "{{ order.secret }} {% load x %} <script>alert(1)</script> {name!r} {__import__('os')}"
    client = client_for(alpha, owner_of(alpha))
    assert put(client, title=title, body=code).status_code == 200
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        order = make_order(make_ticket_type(), email="ada@example.test")
        deliver_due()
    sent = mail.outbox[0]
    assert sent.subject == title.replace("{code}", order.code)
    assert code in sent.body
    html = sent.alternatives[0][0]
    assert "<script>" not in html and escape(code) in html


def test_an_unknown_placeholder_is_refused_with_its_line_and_column(alpha, client_for):
    refused = put(client_for(alpha, owner_of(alpha)), body="Hello,\n\nyour {cdoe} and {secret}")
    assert refused.status_code == 400
    errors = [(each["field"], each["code"]) for each in refused.json()["errors"]]
    assert errors == [("body", "unknown_placeholder")] * 2
    assert "Line 3, column 6" in refused.json()["errors"][0]["message"]
    assert "{code}" in refused.json()["errors"][0]["message"], "and those that there are"
    with in_tenant(alpha):
        assert not Wording.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("body", "x" * 1_000_000, None),
        ("body", "x" * 5001, "too_long"),
        ("title", "x" * 151, "too_long"),
        ("title", "one\r\nBcc: everyone@example.test", "one_line"),
        ("title", "   ", None),
        ("body", "a\x00b", None),
        ("body", "a\x1bb", "bad_character"),
        ("title", "a\u2028b", "bad_character"),
    ],
)
def test_words_that_no_mail_can_have_are_refused(alpha, client_for, field, value, code):
    answer = client_for(alpha, owner_of(alpha)).put(PLACED, {"title": "A", "body": "B", "short": "", field: value})
    assert answer.status_code in (400, 413)
    if code:
        assert code in [each["code"] for each in answer.json()["errors"]]


def test_a_preview_shows_samples_and_keeps_nothing(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    shown = client.post(f"{PLACED}preview/", {"title": "Pay {code}", "body": "{greeting} <b>{site}</b>", "short": ""})
    assert shown.json() == {"title": "Pay K7Q2M", "body": "Hello Ada, <b>Alpha</b>", "short": "Pay K7Q2M"}
    with in_tenant(alpha):
        assert not Wording.objects.exists()
    assert client.post(f"{PLACED}preview/", {"title": "{x}", "body": "b", "short": ""}).status_code == 400


def test_the_page_edits_previews_without_a_script_and_resets(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    assert "Order {code}: please pay" in page.get(PAGE).content.decode()
    typed = {"title": "Pay {code}", "body": "<i>{greeting}</i>", "short": ""}
    shown = page.post(PAGE, {**typed, "preview": "1"})
    assert "Pay K7Q2M" in shown.content.decode() and "&lt;i&gt;Hello Ada," in shown.content.decode()
    with in_tenant(alpha):
        assert not Wording.objects.exists()
    wrong = page.post(PAGE, {**typed, "title": "{nope}", "preview": "1"})
    assert wrong.status_code == 400 and "Line 1, column 1" in wrong.content.decode()
    by_htmx = page.post(PAGE, {**typed, "title": "{nope}", "preview": "1"}, headers={"HX-Request": "true"})
    assert by_htmx.status_code == 200, "htmx shows no answer that is an error"
    assert page.post(PAGE, typed).status_code == 302
    assert "yours" in page.get("/dashboard/settings/messages/").content.decode()
    assert page.post(f"{PAGE}reset/").status_code == 302
    with in_tenant(alpha):
        assert not Wording.objects.exists()


def test_words_of_one_tenant_are_nobody_elses(alpha, beta, client_for):
    put(client_for(alpha, owner_of(alpha)))
    assert client_for(beta, owner_of(beta)).get(PLACED).json()["edited"] is False
    assert client_for(alpha, make_user()).get(PLACED).status_code == 403
    assert client_for(alpha, owner_of(alpha)).get("/api/v1/message-templates/partner.order/en/").status_code == 404
    assert client_for(alpha, owner_of(alpha)).get("/api/v1/message-templates/order.placed/xx/").status_code == 404


def test_a_name_full_of_braces_and_line_breaks_fills_nothing_else(alpha):
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        kind = make_ticket_type(make_event("{code} {{ total }}\r\nBcc: a@b.test"), price_minor=0)
        place_order(Basket(email="ada@example.test", name="{code}", lines=[BasketLine(kind.pk, 1)]))
        deliver_due()
    sent = mail.outbox[-1]
    assert "{code} {{ total }} Bcc: a@b.test" in sent.subject
    assert sent.message()["bcc"] is None


def test_our_own_words_are_within_the_rules_in_every_language(in_alpha):
    for topic in all_topics():
        if topic.editable:
            for language in languages():
                template = editing.template_of(topic.name, language)
                shown = editing.preview(template, default_words(topic, language))
                assert shown.title and "{" not in shown.title + shown.body + shown.short, (topic.name, language, shown)
