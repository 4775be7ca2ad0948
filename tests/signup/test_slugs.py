"""Which addresses can be had: not those of others, nor what reads like them; with free ones to choose from (N5)."""

import threading

import pytest
from django.db import connections

from shared_apps.core.errors import DomainError
from tenants.context import in_public
from tenants.errors import SlugLooksAlike, SlugReserved
from tenants.models import RetiredSlug, Tenant
from tenants.provisioning import open_tenant
from tenants.slugs import check_free, check_slug, skeleton, suggestions
from tests.factories import make_user, owner_of


def asked(client_for, slug, user=None):
    answer = client_for(None, user).get("/api/v1/signup/slug/", {"slug": slug})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_free_address_is_told_with_its_host(db, client_for):
    told = asked(client_for, "moon-theatre")
    assert told["available"] is True and told["host"] == "moon-theatre.localhost" and told["code"] == ""


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("alpha", "slug_taken"), ("a1pha", "slug_looks_alike"), ("al-pha", "slug_looks_alike"),
        ("admin", "slug_reserved"), ("adrnin", "slug_reserved"), ("paymen-ts", "slug_reserved"),
        ("", "slug_invalid"), ("Альфа", "slug_invalid"), ("аlpha", "slug_invalid"), ("xn--80ak6aa92e", "slug_invalid"),
        ("ａlpha", "slug_invalid"), ("al\u200bpha", "slug_invalid"), ("-", "slug_invalid"), ("a" * 190, "slug_invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_says_why_and_offers_what_can(alpha, client_for, slug, code):
    told = asked(client_for, slug)
    assert told["available"] is False and told["code"] == code and told["detail"]
    for other in told["suggestions"]:
        assert asked(client_for, other)["available"] is True


def test_letters_of_other_alphabets_are_offered_in_latin_ones(db, client_for):
    assert asked(client_for, "Кинотеатр «Заря»")["suggestions"][0] == "kinoteatr-zaria"
    assert asked(client_for, "Schloß Schönbrunn")["suggestions"][0] == "schloss-schoenbrunn"


@pytest.mark.parametrize("slug", ["m00n", "rnoon", "mo-on"])
def test_what_reads_like_somebody_elses_is_refused_and_like_ones_own_is_not(db, slug):
    owner, stranger = make_user(), make_user()
    open_tenant(name="Moon", slug="moon", owner=owner)
    with pytest.raises(SlugLooksAlike) as refusal:
        open_tenant(name="Moon", slug=slug, owner=stranger)
    assert refusal.value.status == 409 and not Tenant.objects.filter(slug=slug).exists()
    assert open_tenant(name="Moon too", slug=slug, owner=owner).status == "open"


def test_what_reads_like_an_address_that_was_somebodys_is_refused_too(alpha):
    RetiredSlug.objects.create(slug="old-hall", tenant=alpha)
    with in_public():
        with pytest.raises(SlugLooksAlike):
            check_free("oldha11", owner_id=make_user().pk)
        check_free("oldha11", owner_id=owner_of(alpha).pk)


@pytest.mark.django_db
def test_reserved_words_are_reserved_however_they_are_written():
    for slug in ("adm-in", "l0gin", "rnail", "wvvw"):
        with pytest.raises(SlugReserved):
            check_slug(slug)
    assert suggestions("admin") and all(skeleton(one) != "admin" for one in suggestions("admin"))


def test_of_two_at_once_that_read_alike_one_is_opened(transactional_db):
    people, answers = [make_user(), make_user()], []
    ready = threading.Barrier(2)

    def opens(person, slug):
        try:
            ready.wait(10)
            answers.append(open_tenant(name="X", slug=slug, owner=person).slug)
        except DomainError as refusal:
            answers.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=opens, args=pair) for pair in zip(people, ("moon", "rn00n"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({"moon", "rn00n"} & set(answers)) == 1
    assert {"slug_looks_alike", "slug_taken"} & set(answers)
    assert Tenant.objects.filter(slug__in=("moon", "rn00n")).count() == 1
