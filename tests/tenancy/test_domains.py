"""Domains of one's own: only after proof by DNS, gone when it ends, never another's (N5)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry
from shared_apps.core.errors import NotFound
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.staff import site_address
from tenants import domains, links, lookup
from tenants.context import in_tenant
from tenants.errors import (
    DomainClaimed,
    DomainInvalid,
    DomainLeadsNowhere,
    DomainNotProved,
    TooManyDomains,
)
from tenants.models import Domain, DomainClaim, Tenant
from tenants.provisioning import close
from tests.factories import owner_of
from tests.name_server import NameServer

HOST = "tickets.hall.example"
NOW = timezone.now()


@pytest.fixture
def dns(db: None, settings: Any) -> Iterator[NameServer]:
    server = NameServer()
    settings.DNS_SERVERS = [server.place]
    Tenant.objects.update(limits={"domains": 10})
    yield server
    server.close()


def prove(dns: NameServer, *claims: DomainClaim) -> None:
    dns.texts[f"_foyer.{claims[0].domain}"] = [domains.proof_of(each) for each in claims]


def claimed(tenant: Any, host: str = HOST) -> DomainClaim:
    return domains.claim(tenant, host, actor=owner_of(tenant))


@pytest.fixture
def own(alpha: Any, dns: NameServer) -> DomainClaim:
    """A proved domain of alpha's."""
    found = claimed(alpha)
    prove(dns, found)
    dns.addresses[HOST] = ["127.0.0.1"]
    return domains.check(found, now=NOW)[0]


def get(host: str, path: str = "/", **options: Any) -> Any:
    return Client(HTTP_HOST=host).get(path, **options)


def test_a_claim_leads_nowhere_and_a_proof_does_at_once(alpha: Any, dns: NameServer) -> None:
    found = claimed(alpha, "Tickets.HALL.example.")
    assert found.domain == HOST
    assert get(HOST, "/api/v1/events/").status_code == 404
    found, changes = domains.check(found)
    assert (found.state, changes) == ("waiting", [])
    assert get(HOST, "/api/v1/events/").status_code == 404
    prove(dns, found)
    found, changes = domains.check(found)
    assert found.state == "proved" and [each.what for each in changes] == ["proved"]
    assert get(HOST, "/api/v1/events/").status_code == 200
    assert PlatformAuditEntry.objects.filter(topic="domain.proved", details__domain=HOST).exists()


@pytest.mark.parametrize(
    "text",
    ["", "hall", "localhost", "hall.localhost", "beta.localhost", "127.0.0.1", "[::1]", "2130706433", "a_b.example.org",
     "-a.example.org", "hall..example", "https://example.org/path", "example.org:8000", "ex ample.org",
     "a." * 130 + "org", "printer.local", "x.onion", "user@example.org", "1.2.3.4.in-addr.arpa", "*.example.org",
     "xn--\x00.example.org"],
)  # fmt: skip
def test_what_is_no_domain_that_one_could_prove_is_refused(alpha: Any, text: str) -> None:
    with pytest.raises(DomainInvalid):
        claimed(alpha, text)
    assert not DomainClaim.objects.exists()


def test_a_name_in_other_letters_is_kept_as_dns_knows_it(alpha: Any) -> None:
    assert claimed(alpha, "https://Билеты.example.org/").domain == "xn--90aiim0b4c.example.org"


def test_the_same_domain_twice_and_too_many_are_refused(alpha: Any, monkeypatch: Any) -> None:
    claimed(alpha)
    with pytest.raises(DomainClaimed):
        claimed(alpha, HOST.upper())
    monkeypatch.setattr(domains, "MOST", 1)
    with pytest.raises(TooManyDomains):
        claimed(alpha, "two.example.org")


def test_anothers_token_and_a_token_of_an_earlier_claim_prove_nothing(alpha: Any, beta: Any, dns: NameServer) -> None:
    mine, theirs = claimed(alpha), claimed(beta)
    assert mine.token != theirs.token
    prove(dns, theirs)
    assert domains.check(mine)[0].state == "waiting"
    prove(dns, mine)
    domains.release(alpha, HOST, actor=None)
    again = claimed(alpha)
    assert domains.check(again)[0].state == "waiting", "what an old claim left behind in DNS proves nothing"
    assert not Domain.objects.filter(domain=HOST).exists()


def test_who_claimed_first_keeps_nobody_from_proving(alpha: Any, beta: Any, dns: NameServer) -> None:
    claimed(alpha)
    theirs = claimed(beta)
    prove(dns, theirs)
    assert domains.check(theirs)[0].state == "proved"
    assert lookup.by_host(HOST).pk == beta.pk


def test_a_proved_domain_is_nobody_elses_while_its_proof_stands(beta: Any, own: DomainClaim, dns: NameServer) -> None:
    theirs = claimed(beta)
    prove(dns, own, theirs)
    found, changes = domains.check(theirs)
    assert (found.state, changes) == ("taken", [])
    assert lookup.by_host(HOST).slug == "alpha"
    # The zone names beta only: the domain has changed hands, and with it the host, at once.
    prove(dns, theirs)
    found, changes = domains.check(theirs)
    assert found.state == "proved"
    assert [(each.what, each.tenant_id) for each in changes] == [("lost", own.tenant_id), ("proved", beta.pk)]
    assert lookup.by_host(HOST).slug == "beta"
    own.refresh_from_db()
    assert own.state == "lost"


def test_a_closed_organizers_domain_is_free_for_who_proves_it(
    alpha: Any, beta: Any, own: DomainClaim, dns: NameServer
) -> None:
    close(alpha)
    theirs = claimed(beta)
    prove(dns, own, theirs)
    assert domains.check(theirs)[0].state == "proved"
    assert lookup.by_host(HOST).slug == "beta"


def test_a_domain_whose_proof_ended_is_dropped_after_a_day(alpha: Any, own: DomainClaim, dns: NameServer) -> None:
    domains.make_primary(alpha, HOST, actor=None)
    assert links.url(lookup.by_host(HOST), "/") == f"http://{HOST}/"
    dns.texts[f"_foyer.{HOST}"] = ["something else"]
    assert own.next_check_at is not None and own.next_check_at <= NOW + timedelta(hours=6)
    later = NOW + timedelta(hours=6)
    assert site_address.recheck(later) == 1
    own.refresh_from_db()
    assert (own.state, own.failing_since) == ("failing", later)
    assert get(HOST, "/api/v1/events/").status_code == 200, "zones are moved: a day of grace"
    assert site_address.recheck(later + timedelta(hours=2)) == 0
    assert site_address.recheck(later + timedelta(hours=25)) == 1
    own.refresh_from_db()
    assert own.state == "lost"
    assert get(HOST, "/api/v1/events/").status_code == 404
    assert links.url(lookup.by_host("alpha.localhost"), "/") == "http://alpha.localhost/"
    with in_tenant(alpha):
        deliver_due()
        told = OutboxMessage.objects.filter(topic__startswith="notify.staff.domain").order_by("pk")
        assert [(row.topic, row.payload["recipient"]["user_id"]) for row in told] == [
            ("notify.staff.domain_lost", alpha.owner_id)
        ], "that the proof was missing is not told any more once it is over"
        assert set(AuditEntry.objects.filter(topic__startswith="domain.").values_list("topic", flat=True)) == {
            "domain.failing",
            "domain.lost",
        }


def test_staff_are_told_once_that_a_proof_is_missing(
    alpha: Any, own: DomainClaim, dns: NameServer, monkeypatch: Any
) -> None:
    dns.texts.clear()
    later = NOW + timedelta(hours=6)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(site_address, "record", _die)
        site_address.recheck(later)
    # Who found out was killed before they told: the next look tells.
    assert site_address.recheck(later + timedelta(hours=2)) == 1
    assert site_address.recheck(later + timedelta(hours=4)) == 0
    with in_tenant(alpha):
        deliver_due()
        told = OutboxMessage.objects.get(topic="notify.staff.domain_failing")
    assert told.payload["recipient"]["user_id"] == alpha.owner_id


def _die(*args: Any, **kwargs: Any) -> None:
    raise KeyboardInterrupt


def test_a_proof_that_comes_back_within_the_day_changes_nothing(own: DomainClaim, dns: NameServer) -> None:
    kept = dns.texts.pop(f"_foyer.{HOST}")
    site_address.recheck(NOW + timedelta(hours=6))
    dns.texts[f"_foyer.{HOST}"] = kept
    site_address.recheck(NOW + timedelta(hours=8))
    site_address.recheck(NOW + timedelta(hours=40))
    own.refresh_from_db()
    assert (own.state, own.failing_since) == ("proved", None)


def test_a_silent_name_server_takes_nothing_away_for_a_week(
    own: DomainClaim, dns: NameServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(domains, "SECONDS", 0.2)
    dns.texts[f"_foyer.{HOST}"] = None
    assert domains.check(own, now=NOW + timedelta(days=6))[0].state == "proved"
    assert domains.check(own, now=NOW + timedelta(days=8))[0].state == "lost"


def test_who_claims_many_names_that_nobody_answers_for_keeps_no_other_waiting(
    alpha: Any, beta: Any, own: DomainClaim
) -> None:
    many = [claimed(beta, f"silent-{number}.example.org") for number in range(5)]
    mine = claimed(alpha, "new.hall.example")
    for hours, each in enumerate([*many, mine, own]):
        DomainClaim.objects.filter(pk=each.pk).update(next_check_at=NOW + timedelta(hours=hours))
    looked_at = [claim.domain for claim in domains.due(NOW + timedelta(days=1))]
    assert looked_at[:3] == [HOST, "silent-0.example.org", "new.hall.example"]
    assert len(looked_at) == 7


def test_one_claim_that_cannot_be_checked_keeps_no_other_from_it(
    alpha: Any, beta: Any, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, fine = claimed(alpha, "odd.example.org"), claimed(beta)
    prove(dns, fine)
    whole = domains.check

    def check(found: DomainClaim, **options: Any) -> Any:
        if found.pk == odd.pk:
            raise RuntimeError("nobody has thought of it")
        return whole(found, **options)

    monkeypatch.setattr(domains, "check", check)
    assert site_address.recheck(timezone.now()) == 1
    assert lookup.by_host(HOST) is not None


def test_an_answer_that_is_older_than_what_is_known_changes_nothing(own: DomainClaim, dns: NameServer) -> None:
    dns.texts.clear()
    found, changes = domains.check(own, now=NOW - timedelta(seconds=1))
    assert (found.state, changes) == ("proved", [])


def test_a_domain_becomes_primary_only_if_proved_and_in_dns(alpha: Any, dns: NameServer) -> None:
    found = claimed(alpha)
    with pytest.raises(DomainNotProved):
        domains.make_primary(alpha, HOST, actor=None)
    prove(dns, found)
    domains.check(found)
    with pytest.raises(DomainLeadsNowhere):
        domains.make_primary(alpha, HOST, actor=None)
    with pytest.raises(NotFound):
        domains.make_primary(alpha, "beta.localhost", actor=None)
    dns.addresses[HOST] = ["127.0.0.1"]
    domains.make_primary(alpha, HOST, actor=None)
    domains.make_primary(alpha, "alpha.localhost", actor=None)
    assert Domain.objects.get(tenant=alpha, is_primary=True).domain == "alpha.localhost"


def test_pages_are_at_home_at_the_primary_host_and_programs_everywhere(alpha: Any, own: DomainClaim) -> None:
    there = get(HOST, "/events/?page=2")
    assert (there.status_code, there["Location"]) == (308, "http://alpha.localhost/events/?page=2")
    assert there["Cache-Control"] == "no-store"
    domains.make_primary(alpha, HOST, actor=None)
    assert get(HOST, "/events/").status_code == 200
    back = get("alpha.localhost", "//evil.example/%0d%0a?x=1")
    assert back.status_code == 308 and back["Location"].startswith(f"http://{HOST}/")
    for host in ("alpha.localhost", HOST):
        assert get(host, "/api/v1/events/").status_code == 200
    # Who works here gets in by the subdomain whatever becomes of the domain.
    assert get("alpha.localhost", "/dashboard/")["Location"].startswith("/account/login/")


def test_an_own_domain_is_a_whole_host_with_forms_and_cookies(alpha: Any, own: DomainClaim, settings: Any) -> None:
    domains.make_primary(alpha, HOST, actor=None)
    client = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    assert client.get("/account/login/").status_code == 200
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    form = {"email": "nobody@example.test", "password": "not-the-password", "csrfmiddlewaretoken": token}
    assert client.post("/account/login/", form, HTTP_ORIGIN=f"http://{HOST}").status_code == 401
    assert client.post("/account/login/", form, HTTP_ORIGIN="http://beta.localhost").status_code == 403
    settings.SECURE_SSL_REDIRECT = True
    assert Client(HTTP_HOST=HOST).get("/events/")["Location"] == f"https://{HOST}/events/"


def test_the_gateway_may_have_certificates_for_hosts_that_lead_somewhere_only(
    alpha: Any, dns: NameServer, settings: Any
) -> None:
    # A gateway asks by plain HTTP, by whatever name it knows us.
    settings.SECURE_SSL_REDIRECT, settings.SECURE_REDIRECT_EXEMPT = True, [r"^certificates/ask$"]

    def ask(name: str) -> int:
        return get("web.cluster:8000", "/certificates/ask", query_params={"domain": name}).status_code

    found = claimed(alpha)
    assert ask(HOST) == 404
    prove(dns, found)
    domains.check(found)
    assert [ask(name) for name in (HOST, HOST.upper(), "alpha.localhost", "localhost")] == [200, 200, 200, 200]
    assert [ask(name) for name in ("", "nobody.localhost", "evil.example", "a b", f"x.{HOST}")] == [404] * 5
    close(alpha)
    assert ask(HOST) == ask("alpha.localhost") == 404
