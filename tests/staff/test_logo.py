"""The tenant's logo: taken by its content, on papers as it was when they were issued."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfReader

from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders.invoice_pdf import pdf
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_paid_order, owner_of
from tests.pictures import picture_file


def pictures_in(content):
    return len(PdfReader(io.BytesIO(content)).pages[0].images)


def upload(client):
    return client.put("/api/v1/settings/logo/", {"image": picture_file(size=(300, 120))}, format="multipart")


def test_a_logo_is_on_the_invoices_that_are_issued_with_it_and_stays_there(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    with in_tenant(alpha):
        plain = make_paid_order().invoices.get()
    answer = upload(client)
    assert answer.status_code == 200, answer.content
    logo = answer.json()["logo"]
    shown = client_for(alpha).get(f"/media/logo/{logo}")
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/webp")
    tenant = Tenant.objects.get(pk=alpha.pk)
    with in_tenant(tenant):
        branded = make_paid_order().invoices.get()
        assert AuditEntry.objects.filter(topic="settings.changed").get().details["after"] == {"logo": logo}
    assert client.delete("/api/v1/settings/logo/").status_code == 204
    assert client.get("/api/v1/settings/").json()["logo"] == ""
    assert client_for(alpha).get(f"/media/logo/{logo}").status_code == 404
    with in_tenant(Tenant.objects.get(pk=alpha.pk)):
        assert [pictures_in(pdf(each)) for each in (plain, branded)] == [0, 1]


def test_another_tenants_logo_is_not_shown(alpha, beta, client_for):
    logo = upload(client_for(alpha, owner_of(alpha))).json()["logo"]
    assert client_for(beta).get(f"/media/logo/{logo}").status_code == 404


@pytest.mark.parametrize("name", ["..%2f..%2fsecret.webp", "a.webp", "0" * 32 + ".webp", "0" * 32 + ".svg"])
def test_other_names_lead_nowhere(alpha, client_for, name):
    assert client_for(alpha).get(f"/media/logo/{name}").status_code == 404


def test_the_page_takes_and_removes_it_and_refuses_what_is_no_picture(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    page.post("/dashboard/settings/logo/", {"image": picture_file(size=(50, 50))})
    kept = Tenant.objects.get(pk=alpha.pk).logo
    assert kept and kept in page.get("/dashboard/settings/").content.decode()
    for bad in ({}, {"image": SimpleUploadedFile("x.png", b"<svg onload=alert(1)>")}):
        page.post("/dashboard/settings/logo/", bad)
        assert Tenant.objects.get(pk=alpha.pk).logo == kept
    page.post("/dashboard/settings/logo/", {"remove": "1"})
    assert Tenant.objects.get(pk=alpha.pk).logo == ""
