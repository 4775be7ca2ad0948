"""No more mail of a kind by one click (RFC 8058): without login, for guests too, and for nothing else."""

import re

import pytest
from django.core import mail
from django.test import Client

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.models import Suppression
from tenant_apps.notifications.sending import notify
from tenant_apps.notifications.topics import Recipient
from tenants.context import in_tenant
from tests.factories import make_order, make_paid_order, make_ticket_type


def write(tenant, key, address="guest@example.test", topic="event.changed"):
    with in_tenant(tenant):
        notify(topic, Recipient(email=address), {"event": "Gala"}, key=key)
        deliver_due()


@pytest.fixture
def link(alpha):
    """The link of a mail that went to a guest of alpha."""
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
    write(alpha, "first")
    headers = mail.outbox[0].message()
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(r"<(http://alpha\.localhost(/unsubscribe/\S+/))>", headers["List-Unsubscribe"])
    assert url and url[1] in mail.outbox[0].body
    return url[2]


def browser(host="alpha.localhost"):
    return Client(enforce_csrf_checks=True, headers={"host": host})


def test_one_click_without_login_or_token_ends_the_mails_of_that_topic(alpha, link):
    answer = browser().post(link, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    browser().post(link, {"List-Unsubscribe": "One-Click"})
    write(alpha, "second")
    write(alpha, "third", address="Guest@Example.test")
    assert len(mail.outbox) == 1, "whatever letters the address is written in"
    write(alpha, "other topic", topic="review.answered")
    write(alpha, "somebody else", address="other@example.test")
    assert len(mail.outbox) == 3


def test_a_look_at_the_link_changes_nothing_and_the_page_has_the_button(alpha, link):
    page = browser().get(link)
    assert "guest@example.test" in page.content.decode() and "<button" in page.content.decode()
    with in_tenant(alpha):
        assert not Suppression.objects.exists()
    assert "again" in browser().post(link, {}).content.decode()
    browser().post(link, {"again": "1"})
    write(alpha, "second")
    assert len(mail.outbox) == 2


def test_the_link_of_one_tenant_opens_nothing_at_another(alpha, beta, link):
    assert browser("beta.localhost").post(link).status_code == 404
    token = link.split("/")[2]
    for forged in (token[:-1] + ("a" if token[-1] != "a" else "b"), "x", "x:y:z", "%00", "a" * 3000):
        assert browser().get(f"/unsubscribe/{forged}/").status_code in (400, 404, 414)
    with in_tenant(beta):
        assert not Suppression.objects.exists()


def test_tickets_have_no_such_link_and_always_come(alpha):
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        Suppression.objects.create(address="ada@example.test", topic="order.paid")
        make_paid_order(make_ticket_type(), email="ada@example.test")
        deliver_due()
    assert "List-Unsubscribe" not in mail.outbox[-1].message()
    assert "unsubscribe" not in mail.outbox[-1].body


def test_what_belongs_together_is_one_wish(alpha):
    """Part of an order cancelled, or all of it: who wants no word of the one wants none of the other."""
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        Suppression.objects.create(address="ada@example.test", topic="order.cancelled")
        to = Recipient(email="ada@example.test")
        notify("order.lines_cancelled", to, {"code": "X"}, key="k")
        deliver_due()
        assert not mail.outbox
        make_order(make_ticket_type(), email="ada@example.test")
        deliver_due()
    assert len(mail.outbox) == 1
