"""Sign-up on one page, for who has an account and for who has none; what keeps programs out asks nobody else."""

import re
from datetime import timedelta

import pytest
from django.core import mail, signing
from django.utils import timezone

from shared_apps.accounts.mail import send
from shared_apps.accounts.models import EmailCode, Session, User
from shared_apps.signup import guard
from tenant_apps.events.models import Event
from tenants.context import in_tenant
from tenants.models import RetiredSlug, Tenant
from tests.factories import PASSWORD, make_user
from tests.pages.test_storefront import text_of

NOVA = "nova@example.test"


def typed(**changes):
    return {"name": "Moon Theatre", "slug": "moon-theatre", "kind": "organizer", "currency": "EUR",
            "timezone": "Europe/Vienna", "language": "en", **changes}  # fmt: skip


def newcomer(**changes):
    return typed(email=NOVA, password=PASSWORD, website="", began=shown(timedelta(seconds=5)), **changes)


def shown(ago):
    """The stamp of a page that was shown so long ago."""
    signer = signing.TimestampSigner(salt="signup.began")
    signer.timestamp = lambda: signing.b62_encode(int((timezone.now() - ago).timestamp()))
    return signer.sign("x")


def code_for(email):
    mail.outbox.clear()
    send(EmailCode.objects.filter(email=email).latest("pk").pk)
    return re.search(r"\b\d{6}\b", mail.outbox[-1].subject)[0]


def test_a_newcomer_types_one_page_and_one_code_and_stands_in_the_dashboard(db, page_for):
    page = page_for()
    sent = page.post("/signup/", newcomer(sample_content="on"))
    assert sent.status_code == 302 and sent["Location"] == "/signup/confirm/"
    assert not User.objects.filter(email=NOVA).exists() and not Tenant.objects.filter(slug="moon-theatre").exists()
    waiting = page.get("/signup/confirm/")
    assert NOVA in text_of(waiting) and "With it Moon Theatre opens at once." in text_of(waiting)
    assert page.post("/signup/confirm/", {"code": "000000"}).status_code == 400
    opened = page.post("/signup/confirm/", {"code": code_for(NOVA)})
    assert opened.status_code == 302
    tenant = Tenant.objects.get(slug="moon-theatre")
    assert tenant.status == "open" and tenant.owner.email == NOVA and tenant.timezone == "Europe/Vienna"
    assert tenant.limits["plan"] == "free"
    with in_tenant(tenant):
        assert Event.objects.filter(status="published").count() == 2
    # Through three addresses, each of which needs what the one before left in this browser.
    there = page_for(tenant)
    assert opened["Location"].startswith("http://moon-theatre.localhost/account/arrive/?invitation=")
    asks = there.get(path_of(opened))
    assert asks["Location"].startswith("http://localhost/account/hand-over/?ticket=")
    answers = page.get(path_of(asks))
    assert answers["Location"].startswith("http://moon-theatre.localhost/account/social/return/?code=")
    comes = there.get(path_of(answers))
    assert comes["Location"] == "/dashboard/"
    dashboard = there.get("/dashboard/")
    assert dashboard.status_code == 200 and "Sell your first ticket" in text_of(dashboard)


def path_of(answer):
    return re.sub(r"^https?://[^/]+", "", answer["Location"])


def test_the_way_into_the_dashboard_signs_nobody_in_in_another_browser(db, page_for):
    page = page_for(None, make_user())
    opened = page.post("/signup/", typed())
    tenant = Tenant.objects.get(slug="moon-theatre")
    mine, others = page_for(tenant), page_for(tenant)
    asks = mine.get(path_of(opened))
    answers = page.get(path_of(asks))
    sessions = Session.objects.count()
    # Somebody who was sent one of the addresses; the same code twice; a host that it was not meant for.
    assert "expired" in others.get(path_of(answers))["Location"]
    assert "/account/login/" in page_for().get(path_of(asks))["Location"]
    assert "/account/login/" in page_for(None, make_user()).get(path_of(asks))["Location"]
    assert page_for(Tenant.objects.get(slug="alpha")).get(path_of(opened))["Location"] == "/account/login/"
    assert others.get("/account/arrive/?invitation=nonsense")["Location"] == "/account/login/"
    assert page.get("/account/hand-over/?ticket=nonsense")["Location"] == "/account/login/"
    assert Session.objects.count() == sessions + 1  # of the second person above
    assert mine.get(path_of(answers))["Location"] == "/dashboard/"
    assert "expired" in mine.get(path_of(answers))["Location"]


def test_what_was_typed_waits_for_who_confirms_by_the_letters_link_and_logs_in(db, page_for):
    page = page_for()
    page.post("/signup/", newcomer(currency="CHF"))
    code_for(NOVA)
    key = re.search(r"/account/confirm/\?key=(\S+)", mail.outbox[-1].body)[1]
    confirmed = page.post("/account/confirm/", {"key": key}, follow=True)
    assert confirmed.redirect_chain[-1][0] == "/account/login/?next=%2Fsignup%2F"
    form = page.post("/account/login/", {"email": NOVA, "password": PASSWORD, "next": "/signup/"}, follow=True)
    html = form.content.decode()
    assert 'value="moon-theatre"' in html and '<option value="CHF" selected>' in html and 'name="password"' not in html


def test_an_address_that_was_taken_meanwhile_is_asked_for_again_with_everything_that_was_typed(alpha, page_for):
    page = page_for()
    page.post("/signup/", newcomer(slug="moon"))
    RetiredSlug.objects.create(slug="moon")
    answer = page.post("/signup/confirm/", {"code": code_for(NOVA)})
    assert answer["Location"] == "/signup/"
    again = page.post("/signup/", typed(slug="moon"))
    assert again.status_code == 409 and "This address is taken." in text_of(again)
    assert page.post("/signup/", typed(slug="moon-hall")).status_code == 302


def test_a_known_address_is_answered_like_an_unknown_one(db, page_for):
    make_user(NOVA)
    known, unknown = page_for(), page_for()
    answers = [
        known.post("/signup/", newcomer()),
        unknown.post("/signup/", newcomer(slug="sun-theatre") | {"email": "else@example.test"}),
    ]
    assert [(each.status_code, each["Location"]) for each in answers] == [(302, "/signup/confirm/")] * 2
    assert EmailCode.objects.count() == 2


def test_programs_are_told_nothing_and_get_nothing(db, page_for):
    trapped = page_for().post("/signup/", newcomer() | {"website": "https://spam.example"})
    assert trapped.status_code == 302 and not EmailCode.objects.exists()
    for stamp in ("", "nonsense", shown(timedelta(minutes=-1)), shown(timedelta(days=1))):
        hasty = page_for().post("/signup/", newcomer() | {"began": stamp})
        assert hasty.status_code == 400 and "Please send it once more." in text_of(hasty)
        assert 'value="moon-theatre"' in hasty.content.decode()
    assert not EmailCode.objects.exists()


def test_a_refused_password_or_address_names_its_field_and_sends_nothing(alpha, page_for):
    short = page_for().post("/signup/", newcomer() | {"password": "short"})
    assert short.status_code == 400 and not EmailCode.objects.exists()
    taken = page_for().post("/signup/", newcomer(slug="alpha"))
    assert taken.status_code == 409 and "alpha-tickets" in text_of(taken) and not EmailCode.objects.exists()


def test_pressing_twice_opens_one(db, page_for):
    page = page_for(None, make_user())
    first, second = page.post("/signup/", typed()), page.post("/signup/", typed())
    assert second.status_code == 302 and second["Location"].startswith("http://moon-theatre.localhost/account/arrive/")
    assert first.status_code == 302 and Tenant.objects.filter(slug="moon-theatre").count() == 1
    Tenant.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert page.post("/signup/", typed()).status_code == 409


def test_a_person_or_a_network_opens_so_many_and_no_more(db, client_for, settings):
    settings.SIGNUP_LIMITS = {"open_person": (1, 3600), "slug_source": (2, 60)}
    client = client_for(None, make_user())
    assert client.post("/api/v1/tenants/", {"name": "A", "slug": "one-hall"}).status_code == 201
    refused = client.post("/api/v1/tenants/", {"name": "B", "slug": "two-hall"})
    assert refused.status_code == 429 and refused["Retry-After"]
    asked = [client_for().get("/api/v1/signup/slug/?slug=some-hall").status_code for _ in range(3)]
    assert asked == [200, 200, 429]
    assert guard.DEFAULTS["slug_source"][0] >= 100  # enough for many who type behind one address


def test_a_plan_that_costs_something_leads_to_the_card_first(db, page_for, client_for):
    page = page_for(None, make_user())
    answer = page.post("/signup/", typed(plan="house-monthly"))
    there = page_for(Tenant.objects.get(slug="moon-theatre"))
    answer = there.get(path_of(page.get(path_of(there.get(path_of(answer))))))
    assert answer["Location"] == "/dashboard/billing/plans/house-monthly/"
    client = client_for(None, make_user())
    made = client.post("/api/v1/tenants/", {"name": "A", "slug": "one-hall", "plan": "chain-yearly"})
    assert made.json()["billing_url"] == "http://one-hall.localhost/dashboard/billing/plans/chain-yearly/"
    unknown = client.post("/api/v1/tenants/", {"name": "A", "slug": "two-hall", "plan": "gold"})
    assert unknown.status_code == 400 and unknown.json()["errors"][0]["field"] == "plan"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_front_page_tells_what_each_plan_costs(db, page_for, language):
    words = text_of(page_for().get(f"/?lang={language}")).replace("\N{NO-BREAK SPACE}", " ")
    for price in {"en": ("€29", "€290", "€99", "€990", "2.5 %"), "ru": ("29 €", "290 €", "2,5 %")}[language]:
        assert price in words, (price, words)
