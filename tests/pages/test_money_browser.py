"""The pages about money in a real browser: nothing in anybody's way, at both widths; progress is seen by itself."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events import services as events
from tenant_apps.payments import mass, statements
from tenant_apps.payments.models import Dispute, MassRefund, Payment, ProviderAccount
from tenant_apps.payments.providers.base import ProviderRefused, Refunded
from tenant_apps.payments.providers.manual import ManualProvider
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Where whoever looks at the pages wants pictures of them; none by default.
PICTURES = os.environ.get("PAGE_PICTURES", "")


@pytest.fixture
def money(alpha, monkeypatch):
    """An event that was called off, of whose refunds one failed; two statements; a dispute. Returns the pages."""
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("A night of very long overtures and encores"), price_minor=2500)
        orders = [make_paid_order(kind, quantity=2, email=f"buyer{number}@example.test") for number in range(3)]
        waiting = make_order(make_ticket_type(price_minor=2500))
        payment = Payment.objects.filter(order=orders[0]).get()
        account = ProviderAccount.objects.create(provider="stripe", sealed=b"x", live=False)
        Dispute.objects.create(
            payment=payment, account=account, reference="dp_1", reason="fraudulent", amount_minor=5000, currency="EUR",
            told_at=timezone.now(), answer_by=timezone.now() + timedelta(days=7), withdrawn=True,
        )  # fmt: skip
        rows = [
            f"20.11.2026;25,00;EUR;SVWZ+Order {waiting.code} thank you very much for everything;Ann Example-Longname",
            f"20.11.2026;30,00;EUR;{orders[1].code};Bob", "19.11.2026;-80,50;EUR;Rent;Landlord GmbH & Co. KG",
        ]  # fmt: skip
        known = statements.upload(
            "statement-2026-11.csv", "\n".join(["Date;Amount;Currency;Purpose;Payer", *rows]).encode(), actor=None
        )[0]
        unknown = statements.upload("odd.csv", "\n".join(["When;What;Cur;Why;Who", *rows]).encode(), actor=None)[0]
        refused = orders[2].code

        def refund(self, refund):
            if refund.payment.order.code == refused:
                raise ProviderRefused("The account has not enough money for this refund.")
            return Refunded("succeeded", str(refund.pk))

        monkeypatch.setattr(ManualProvider, "refund", refund)
        events.cancel(kind.event, actor=owner_of(alpha), refund=True)
        deliver_due()
        assert mass.work(MassRefund.objects.get())
    return {
        "settlement": "/dashboard/money/",
        "statements": "/dashboard/money/statements/",
        "statement": f"/dashboard/money/statements/{known.pk}/",
        "columns": f"/dashboard/money/statements/{unknown.pk}/columns/",
        "disputes": "/dashboard/money/disputes/",
        "mass": f"/dashboard/money/events/{kind.event.slug}/",
        "order": f"/dashboard/orders/{orders[0].code}/",
    }


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ru", "dark")])
def test_the_pages_about_money_fit_and_have_no_findings(alpha, site, browser, money, language, scheme):
    signed_in(browser, site, alpha, owner_of(alpha))
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": site.url(alpha, "/")}])
    page, found = browser.new_page(), []
    page.emulate_media(color_scheme=scheme)
    for name, path in money.items():
        page.goto(site.url(alpha, path))
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{browser.width}-{language}.png"), full_page=True)
        if page.evaluate("document.documentElement.scrollWidth") > browser.width:
            found.append((name, "wider than the screen"))
        page.evaluate(AXE)
        found += [(name, *each) for each in page.evaluate(RUN_AXE)]
    assert not found


def test_the_progress_of_a_mass_refund_is_seen_without_reloading(alpha, site, browser):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Gala"), price_minor=2500)
        make_paid_order(kind)
        events.cancel(kind.event, actor=None)
        run = mass.start(kind.event)
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    page.goto(site.url(alpha, f"/dashboard/money/events/{kind.event.slug}/"))
    page.get_by_role("heading", name="The money is being sent back").wait_for()
    with in_tenant(alpha):
        assert mass.work(run)
    page.get_by_role("heading", name="Everybody has their money back").wait_for()
