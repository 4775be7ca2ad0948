"""A person's tickets of every organizer, below their account on whatever host they are signed in on."""

import pytest

from shared_apps.accounts.models import User
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.payments.refunds import cancel_order
from tenant_apps.ticketing import codes, papers
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user
from tests.ticketing import paper_trials


@pytest.fixture
def ada(db):
    return make_user("ada@example.test", name="Ada Lovelace")


def bought(tenant, user: User | None, email: str = "", *, quantity: int = 2, title: str = "Gala"):
    with in_tenant(tenant):
        kind = make_ticket_type(make_event(title), price_minor=0)
        order = make_paid_order(kind, quantity=quantity, user=user, email=email or (user.email if user else ""))
        deliver_due()
        return order, [line.ticket for line in order.lines.select_related("ticket__event").order_by("position")]


def test_the_list_leads_to_each_ticket_of_every_organizer_on_the_same_host(alpha, beta, ada, page_for):
    here, (mine, _next) = bought(alpha, ada)
    _there, (other,) = bought(beta, None, "ADA@example.test", quantity=1, title="Open Day")
    for host in (None, alpha, beta):
        page = page_for(host, ada)
        html = page.get("/account/tickets/").content.decode()
        for tenant, ticket in ((alpha, mine), (beta, other)):
            address = f"/account/tickets/{tenant.slug}/{ticket.pk}/"
            assert address in html
            answer = page.get(address)
            shown = answer.content.decode()
            assert answer.status_code == 200
            assert "no-store" in answer["Cache-Control"]
            assert 'class="qr"' in shown
            assert papers.spaced(ticket.short_code) in shown
            assert tenant.name in shown
    assert (
        f"/orders/{here.code}/{here.secret}/"
        in page_for(alpha, ada).get(f"/account/tickets/alpha/{mine.pk}/").content.decode()
    )


def test_the_tickets_of_one_order_lead_to_each_other(alpha, ada, page_for):
    _order, tickets = bought(alpha, ada, quantity=3)
    addresses = [f"/account/tickets/alpha/{ticket.pk}/" for ticket in tickets]
    page = page_for(alpha, ada)
    middle = page.get(addresses[1]).content.decode()
    assert f'href="{addresses[0]}" rel="prev"' in middle
    assert f'href="{addresses[2]}" rel="next"' in middle
    assert "Ticket 2 of 3" in middle
    assert 'rel="prev"' not in page.get(addresses[0]).content.decode()


def test_its_file_and_its_calendar_come_from_the_organizer_that_issued_it(alpha, beta, ada, page_for):
    _order, (ticket,) = bought(beta, ada, quantity=1, title="Open Day")
    page = page_for(alpha, ada)
    for layout in ("a4", "phone"):
        answer = page.get(f"/account/tickets/beta/{ticket.pk}.pdf?layout={layout}")
        assert "no-store" in answer["Cache-Control"]
        with in_tenant(beta):
            assert paper_trials.decoded(paper_trials.pages(answer.content)[0]) == codes.code_text(ticket)
    calendar = page.get(f"/account/tickets/beta/{ticket.pk}.ics")
    assert calendar["Content-Type"].startswith("text/calendar")
    assert b"SUMMARY:Open Day" in calendar.content
    assert b"beta.localhost/events/" in calendar.content.replace(b"\r\n ", b"")


def test_somebody_elses_ticket_looks_like_none(alpha, beta, ada, page_for):
    _order, (ticket, _second) = bought(alpha, ada)
    stranger, unconfirmed = make_user(), make_user("guest@example.test", confirmed=False)
    _theirs, (guests,) = bought(alpha, None, "guest@example.test", quantity=1)
    for ending in ("/", ".pdf", ".ics"):
        path = f"/account/tickets/alpha/{ticket.pk}{ending}"
        assert page_for(alpha, stranger).get(path).status_code == 404
        assert page_for(alpha, ada).get(f"/account/tickets/beta/{ticket.pk}{ending}").status_code == 404
        assert page_for(alpha, ada).get(f"/account/tickets/nobody/{ticket.pk}{ending}").status_code == 404
        assert page_for(alpha, unconfirmed).get(f"/account/tickets/alpha/{guests.pk}{ending}").status_code == 404
        away = page_for(alpha).get(path)
        assert (away.status_code, "/account/login/" in away["Location"]) == (302, True)


def test_a_ticket_that_admits_nobody_is_told_without_its_code(alpha, ada, page_for):
    _order, (ticket, _second) = bought(alpha, ada)
    with in_tenant(alpha):
        Ticket.objects.filter(pk=ticket.pk).update(status="revoked")
        text = codes.code_text(ticket)
    page = page_for(alpha, ada)
    html = page.get(f"/account/tickets/alpha/{ticket.pk}/").content.decode()
    assert 'class="qr"' not in html
    assert "admits nobody any more: Revoked" in html
    assert text not in html
    assert page.get(f"/account/tickets/alpha/{ticket.pk}.pdf").status_code == 409
    assert f"/account/tickets/alpha/{ticket.pk}/" not in page.get("/account/tickets/").content.decode()


def test_an_unpaid_order_leads_to_where_it_is_paid(alpha, ada, page_for):
    with in_tenant(alpha):
        order = make_order(make_ticket_type(), user=ada, email=ada.email)
        deliver_due()
    html = page_for(alpha, ada).get("/account/tickets/").content.decode()
    assert f"/orders/{order.code}/{order.secret}/" in html
    assert "data-keep" not in html


def test_what_is_cancelled_is_kept_by_no_device(alpha, ada, page_for):
    order, (ticket, _second) = bought(alpha, ada)
    page = page_for(alpha, ada)
    assert f"/{ticket.pk}/" in page.get("/account/tickets/").content.decode().partition("data-keep")[2]
    with in_tenant(alpha):
        cancel_order(order, by_staff=True)
        deliver_due()
    assert str(ticket.pk) not in page.get("/account/tickets/").content.decode()


def test_a_page_says_whom_it_is_for_so_that_copies_of_others_go(alpha, ada, page_for):
    assert f'data-person="{ada.pk}"' in page_for(alpha, ada).get("/").content.decode()
    assert 'data-person=""' in page_for(alpha).get("/account/login/").content.decode()


def test_the_worker_is_nobodys_and_may_fetch_from_here_only(alpha, page_for):
    for host in (None, alpha):
        answer = page_for(host).get("/account/tickets/worker.js")
        assert answer["Content-Type"] == "text/javascript"
        assert answer["Cache-Control"] == "no-cache"
        assert "connect-src 'self'" in answer["Content-Security-Policy"]
        assert "Set-Cookie" not in answer
