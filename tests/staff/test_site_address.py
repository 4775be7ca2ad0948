"""The page and the API of a site's addresses."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenant_apps.staff import site_address
from tenants import domains
from tenants.models import Domain, Tenant
from tests.factories import make_user, owner_of
from tests.name_server import NameServer

HOST = "tickets.hall.example"
LIST = "/api/v1/tenants/alpha/domains/"


@pytest.fixture
def dns(alpha: Any, settings: Any) -> Any:
    Tenant.objects.filter(pk=alpha.pk).update(limits={"domains": 1})
    server = NameServer()
    settings.DNS_SERVERS = [server.place]
    yield server
    server.close()


def test_a_domain_goes_its_whole_way_by_the_api(alpha: Any, beta: Any, client_for: Any, dns: NameServer) -> None:
    owner = client_for(None, owner_of(alpha))
    made = owner.post(LIST, {"domain": HOST})
    assert made.status_code == 201
    record = next(each for each in made.json()["records"] if each["type"] == "TXT")
    assert (made.json()["state"], record["name"], made.json()["leads"]) == ("waiting", f"_foyer.{HOST}", False)
    assert owner.post(LIST, {"domain": HOST}).json()["code"] == "domain_claimed"
    assert owner.post(LIST, {"domain": "beta.localhost"}).json()["code"] == "domain_invalid"
    assert owner.post(f"{LIST}{HOST}/verify/").json()["state"] == "waiting"
    dns.texts[f"_foyer.{HOST}"] = [record["value"]]
    assert owner.post(f"{LIST}{HOST}/verify/").json()["state"] == "proved"
    assert owner.post(f"{LIST}{HOST}/primary/").json()["code"] == "domain_leads_nowhere"
    dns.addresses[HOST] = ["127.0.0.1"]
    hosts = {each["domain"]: each["is_primary"] for each in owner.post(f"{LIST}{HOST}/primary/").json()}
    assert hosts == {"alpha.localhost": False, HOST: True}
    assert owner.get("/api/v1/tenants/alpha/").json()["host"] == HOST
    stranger = client_for(None, owner_of(beta))
    assert stranger.get(LIST).status_code == 404
    for method, path in (("post", LIST), ("delete", f"{LIST}{HOST}/"), ("post", f"{LIST}{HOST}/verify/")):
        assert getattr(stranger, method)(path, {"domain": HOST}).status_code == 404
    assert client_for(None, owner_of(beta)).get(f"/api/v1/tenants/beta/domains/{HOST}/").status_code == 404
    assert owner.delete(f"{LIST}{HOST}/").status_code == 204
    assert not Domain.objects.filter(domain=HOST).exists()
    assert owner.get("/api/v1/tenants/alpha/").json()["host"] == "alpha.localhost"


def test_dns_is_asked_so_many_times_and_no_more(alpha: Any, client_for: Any, dns: NameServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(site_address, "CHECKS", 2)
    owner = client_for(None, owner_of(alpha))
    owner.post(LIST, {"domain": HOST})
    answers = [owner.post(f"{LIST}{HOST}/verify/") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_the_page_says_what_to_set_and_what_was_found(alpha: Any, page_for: Any, dns: NameServer) -> None:
    page = page_for(alpha, owner_of(alpha))
    assert page.post("/dashboard/settings/address/add/", {"domain": "hall"}).status_code == 400
    page.post("/dashboard/settings/address/add/", {"domain": HOST})
    shown = page.get("/dashboard/settings/address/").content.decode()
    claim = domains.find(alpha, HOST)
    assert domains.proof_of(claim) in shown and "waits for proof" in shown
    dns.texts[f"_foyer.{HOST}"] = [domains.proof_of(claim)]
    dns.addresses[HOST] = ["127.0.0.1"]
    page.post("/dashboard/settings/address/check/", {"domain": HOST})
    assert "leads here" in page.get("/dashboard/settings/address/").content.decode()
    page.post("/dashboard/settings/address/primary/", {"domain": HOST})
    assert Domain.objects.get(tenant=alpha, is_primary=True).domain == HOST
    page.post("/dashboard/settings/address/remove/", {"domain": HOST})
    assert Domain.objects.get(tenant=alpha, is_primary=True).domain == "alpha.localhost"
    assert page_for(alpha, make_user()).get("/dashboard/settings/address/").status_code == 403


def test_no_more_domains_lead_here_than_the_plan_allows(
    alpha: Any, client_for: Any, page_for: Any, dns: NameServer
) -> None:
    owner = client_for(None, owner_of(alpha))
    for host in (HOST, "two.hall.example"):
        claim = owner.post(LIST, {"domain": host}).json()
        dns.texts[f"_foyer.{host}"] = [claim["records"][0]["value"]]
    assert owner.post(f"{LIST}{HOST}/verify/").json()["state"] == "proved"
    refused = owner.post(f"{LIST}two.hall.example/verify/")
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")
    assert site_address.recheck(timezone.now() + timedelta(days=1)) == 0
    assert not Domain.objects.filter(domain="two.hall.example").exists()
    assert owner.post(LIST, {"domain": "three.hall.example"}).json()["code"] == "limit_reached"
    page = page_for(alpha, owner_of(alpha)).post("/dashboard/settings/address/add/", {"domain": "three.hall.example"})
    assert page.status_code == 409 and "/dashboard/billing/" in page.content.decode()
    assert owner.post(f"{LIST}{HOST}/verify/").status_code == 200, "what leads here already is looked at as before"
