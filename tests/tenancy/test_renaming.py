"""Another subdomain: the old one leads on, goes to nobody else, and nothing is lost on the way (N5, N6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry, User
from shared_apps.core.errors import WrongState
from tenant_apps.activity.models import AuditEntry
from tenants import links, lookup
from tenants.context import in_tenant
from tenants.errors import SlugInvalid, SlugReserved, SlugTaken, TooManyRenames
from tenants.models import Domain, RetiredSlug, Tenant
from tenants.provisioning import MOST_RENAMES, check_slug, open_tenant, rename, suspend
from tests.factories import make_event, make_user, owner_of


def test_the_new_address_serves_at_once_and_the_old_one_leads_there(alpha: Any, page_for: Any, client_for: Any) -> None:
    with in_tenant(alpha):
        make_event("Gala", slug="gala")
    old = Tenant.objects.get(pk=alpha.pk)
    rename(alpha, "gamma", actor=owner_of(alpha))
    assert (alpha.slug, alpha.schema_name) == ("gamma", "t_alpha")
    assert page_for(alpha).get("/events/gala/").status_code == 200
    there = page_for(old).get("/events/gala/?lang=ru")
    assert (there.status_code, there["Location"]) == (308, "http://gamma.localhost/events/gala/?lang=ru")
    # Providers' messages and programs follow no redirect.
    assert client_for(old).get("/api/v1/events/gala/").status_code == 200
    assert links.url(lookup.by_schema("t_alpha"), "/") == "http://gamma.localhost/"
    entry = PlatformAuditEntry.objects.get(topic="tenant.renamed")
    assert (entry.details["before"], entry.details["after"]) == ({"slug": "alpha"}, {"slug": "gamma"})


def test_a_freed_slug_goes_to_nobody_else_and_back_to_its_own(alpha: Any, beta: Any) -> None:
    rename(alpha, "gamma")
    with pytest.raises(SlugTaken):
        check_slug("alpha")
    with pytest.raises(SlugTaken):
        rename(beta, "alpha")
    with pytest.raises(SlugTaken):
        open_tenant(name="A thief", slug="alpha", owner=make_user())
    rename(alpha, "alpha")
    assert lookup.by_host("alpha.localhost").__dict__["primary_host"] == "alpha.localhost"
    assert set(RetiredSlug.objects.values_list("slug", "tenant_id")) == {("alpha", alpha.pk), ("gamma", alpha.pk)}


@pytest.mark.parametrize(
    ("slug", "refusal"),
    [("beta", SlugTaken), ("www", SlugReserved), ("a", SlugInvalid), ("аlpha", SlugInvalid), ("xn--80a", SlugInvalid),
     ("two--dashes", SlugInvalid), ("Gamma", SlugInvalid), ("a" * 64, SlugInvalid)],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_and_changes_nothing(
    alpha: Any, beta: Any, slug: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        rename(alpha, slug)
    assert Tenant.objects.get(pk=alpha.pk).slug == "alpha"
    assert not RetiredSlug.objects.exists()


def test_nobody_goes_through_many_names(alpha: Any) -> None:
    for number in range(MOST_RENAMES):
        rename(alpha, f"name-{number}")
    with pytest.raises(TooManyRenames):
        rename(alpha, "one-more")
    rename(alpha, "one-more", now=timezone.now() + timedelta(days=31))


def test_an_own_domain_stays_the_main_address(alpha: Any) -> None:
    Domain.objects.create(domain="hall.example", tenant=alpha, is_primary=True, verified_at=timezone.now())
    rename(alpha, "gamma")
    assert lookup.by_host("gamma.localhost").__dict__["primary_host"] == "hall.example"


def test_who_is_suspended_keeps_the_address(alpha: Any) -> None:
    suspend(alpha)
    with pytest.raises(WrongState):
        rename(alpha, "gamma")


def test_of_two_who_want_one_name_one_gets_it(transactional_db: None) -> None:
    """A second connection holds the name, as an opening of it would."""
    import psycopg2

    alpha = Tenant.objects.get(slug="alpha")
    details = connection.settings_dict
    other = psycopg2.connect(
        dbname=details["NAME"], user=details["USER"], password=details["PASSWORD"], host=details["HOST"],
        port=details["PORT"],
    )  # fmt: skip
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7101, hashtext('gamma'))")
        with pytest.raises(SlugTaken):
            rename(alpha, "gamma")
    finally:
        other.close()
    rename(alpha, "gamma")
    assert Tenant.objects.get(pk=alpha.pk).slug == "gamma"


def test_the_owner_renames_by_the_api_and_others_find_nothing(alpha: Any, beta: Any, client_for: Any) -> None:
    owner = client_for(None, owner_of(alpha))
    assert client_for(None, owner_of(beta)).patch("/api/v1/tenants/alpha/", {"slug": "gamma"}).status_code == 404
    assert client_for().patch("/api/v1/tenants/alpha/", {"slug": "gamma"}).status_code == 401
    taken = owner.patch("/api/v1/tenants/alpha/", {"slug": "beta"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    answer = owner.patch("/api/v1/tenants/alpha/", {"slug": "gamma"})
    assert (answer.status_code, answer.json()["slug"], answer.json()["host"]) == (200, "gamma", "gamma.localhost")
    assert owner.get("/api/v1/tenants/alpha/").status_code == 404
    with in_tenant(Tenant.objects.get(slug="gamma")):
        entry = AuditEntry.objects.get(topic="site.renamed")
    assert entry.details["after"] == {"slug": "gamma"} and entry.actor_id == owner_of(alpha).pk
    suspend(alpha)
    assert owner.patch("/api/v1/tenants/gamma/", {"slug": "delta"}).json()["code"] == "tenant_suspended"


def test_staff_rename_on_the_page_and_go_on_at_the_new_host(alpha: Any, page_for: Any) -> None:
    page = page_for(alpha, owner_of(alpha))
    refused = page.post("/dashboard/settings/address/rename/", {"slug": "www"})
    assert refused.status_code == 400 and "reserved" in refused.content.decode()
    done = page.post("/dashboard/settings/address/rename/", {"slug": "gamma"})
    assert done.status_code == 302 and done["Location"].startswith("http://gamma.localhost/")
    assert User.objects.filter(pk=alpha.owner_id).exists()
