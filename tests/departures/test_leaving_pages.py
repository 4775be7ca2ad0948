"""The owner's page and API: take along, pause, close with a password, and back again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.departures import exports
from shared_apps.departures.models import TenantExport
from tenant_apps.activity.models import AuditEntry
from tenants import provisioning
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import PASSWORD, make_user

PAGE = "/dashboard/export/"
API = "/api/v1/tenants/alpha"


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def owner(alpha: Any) -> Any:
    """The owner of alpha, who knows the tests' password."""
    alpha.owner.set_password(PASSWORD)
    alpha.owner.save()
    return alpha.owner


def status(tenant: Any) -> str:
    return str(Tenant.objects.get(pk=tenant.pk).status)


def test_an_owner_pauses_and_goes_on(alpha: Any, owner: Any, page_for: Any) -> None:
    page = page_for(alpha, owner)
    assert page.get("/").status_code == 200
    answer = page.post(f"{PAGE}pause/", {"reason": "Summer holidays"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert status(alpha) == "suspended" and page_for(alpha).get("/").status_code == 403
    shown = page.get(PAGE)
    assert shown.status_code == 200 and "Summer holidays" in shown.content.decode()
    assert "End the pause" in shown.content.decode()
    page.post(f"{PAGE}pause/", {"go_on": "1"})
    assert status(alpha) == "open" and page_for(alpha).get("/").status_code == 200
    with in_tenant(alpha):
        topics = list(
            AuditEntry.objects.filter(topic__startswith="site.").order_by("at").values_list("topic", flat=True)
        )
    assert topics == ["site.paused", "site.resumed"]


def test_a_pause_of_the_platform_is_shown_and_not_the_owners_to_end(alpha: Any, owner: Any, page_for: Any) -> None:
    provisioning.suspend(alpha, cause="operator", reason="Complaints about <b>refunds</b>")
    page = page_for(alpha, owner)
    page.post(f"{PAGE}pause/", {"go_on": "1"})
    assert status(alpha) == "suspended"
    shown = page.get(PAGE).content.decode()
    assert "Complaints about &lt;b&gt;refunds" in shown and "Platform" in shown


def test_closing_takes_the_password_and_the_sites_address(alpha: Any, owner: Any, page_for: Any) -> None:
    page = page_for(alpha, owner)
    wrong = page.post(f"{PAGE}close/", {"slug": "alpha", "password": "not this one"})
    assert wrong.status_code == 400 and status(alpha) == "open"
    other = page.post(f"{PAGE}close/", {"slug": "beta", "password": PASSWORD})
    assert other.status_code == 400 and "alpha" in other.content.decode() and status(alpha) == "open"
    assert page.post(f"{PAGE}close/", {"slug": "", "password": ""}).status_code == 400
    done = page.post(f"{PAGE}close/", {"slug": " Alpha ", "password": PASSWORD, "reason": "Enough"})
    assert done.status_code == 302 and status(alpha) == "closing"
    assert page_for(alpha).get("/").status_code == 403
    shown = page.get(PAGE).content.decode()
    assert "Take the closing back" in shown and "Close the site" not in shown
    assert page.post(f"{PAGE}stay/").status_code == 302
    assert status(alpha) == "open"


def test_the_page_tells_how_far_an_archive_is_and_gives_it(alpha: Any, owner: Any, page_for: Any) -> None:
    page = page_for(alpha, owner)
    assert page.post(f"{PAGE}start/").status_code == 302
    export = exports.of(alpha).get()
    TenantExport.objects.filter(pk=export.pk).update(done=3)
    part = page.get(PAGE, headers={"HX-Request": "true", "HX-Target": "archives"}).content.decode()
    assert "<html" not in part and f"3 of {export.total} parts" in part and "every 2s" in part
    path = exports.path_of(export)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK archive")
    TenantExport.objects.filter(pk=export.pk).update(
        status="ready", size_bytes=10, expires_at=timezone.now() + timedelta(days=1)
    )
    assert f"{PAGE}archives/{export.pk}/" in page.get(PAGE).content.decode()
    answer = page.get(f"{PAGE}archives/{export.pk}/")
    assert b"".join(answer.streaming_content) == b"PK archive"
    assert answer["Content-Disposition"] == 'attachment; filename="alpha.zip"'


def test_only_owners_see_it_and_nothing_of_another_tenants(alpha: Any, beta: Any, owner: Any, page_for: Any) -> None:
    from tenant_apps.staff import services as staff

    helper = make_user()
    with in_tenant(alpha):
        staff.add_member(helper, staff.preset_role("manager"), actor=None)
    page = page_for(alpha, helper)
    assert page.get(PAGE).status_code == 403
    for path in ("start/", "pause/", "close/", "stay/"):
        assert page.post(f"{PAGE}{path}", {"slug": "alpha", "password": PASSWORD}).status_code == 403
    assert status(alpha) == "open" and not TenantExport.objects.exists()
    exports.ask(beta)
    foreign = exports.of(beta).get()
    assert page_for(alpha, owner).get(f"{PAGE}archives/{foreign.pk}/").status_code == 404


def test_the_same_by_the_api(alpha: Any, owner: Any, client_for: Any) -> None:
    client = client_for(None, owner)
    paused = client.post(f"{API}/pause/", {"reason": "Moving"}, format="json").json()
    assert paused["status"] == "suspended" and paused["suspensions"][0]["cause"] == "owner"
    assert paused["suspensions"][0]["reason"] == "Moving"
    assert client.get(f"{API}/pause/").json() == paused
    assert client.delete(f"{API}/pause/").json()["status"] == "open"
    for body, code in (
        ({"password": "wrong one", "slug": "alpha"}, "password_wrong"),
        ({"password": PASSWORD, "slug": "alfa"}, "confirm_address"),
    ):
        refused = client.post(f"{API}/closing/", body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert client.post(f"{API}/closing/", {}, format="json").status_code == 400
    begun = client.post(f"{API}/closing/", {"password": PASSWORD, "slug": "alpha"}, format="json")
    assert begun.status_code == 202 and begun.json()["status"] == "closing" and begun.json()["closes_at"]
    assert client.get(f"{API}/closing/").json() == begun.json()
    assert client.delete(f"{API}/closing/").json() == {**begun.json(), "status": "open", "closes_at": None}
    stranger = client_for(None, make_user())
    for method, path in (("get", "pause"), ("post", "pause"), ("delete", "pause"), ("post", "closing")):
        assert getattr(stranger, method)(f"{API}/{path}/").status_code == 404
    assert client_for(None).post(f"{API}/pause/").status_code == 401
