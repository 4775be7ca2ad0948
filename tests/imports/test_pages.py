"""A file through the pages: uploaded, its columns named, looked at, applied; by who may."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenant_apps.events.models import Event
from tenant_apps.imports import services
from tenant_apps.imports.models import ImportJob
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.imports.test_open_house import FILE
from tests.pages.test_dashboard import text_of

SMALL = (
    "Событие;Когда;Цена;Мест;Метки\n"
    "Чайка;31.05.2031 19:30;1 200,50;40;драма/классика\n"
    "Гамлет;01.06.2031 19:30;900;;драма\n"
)


def upload(page, content, name="festival.csv", resource="events"):
    sent = page.post(f"/dashboard/imports/{resource}/", {"file": SimpleUploadedFile(name, content)})
    assert sent.status_code == 302, text_of(sent)
    return sent["Location"]


def test_the_festival_is_mapped_looked_at_and_applied(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    columns = upload(page, FILE)
    shown = page.get(columns).content.decode()
    assert '<option value="1" selected>name · Holy Trinity Church in Bow</option>' in shown
    with in_tenant(alpha):
        assert services.unfinished() == []
    form = {
        "column:title": "1", "column:starts_at": "7", "column:ends_at": "8", "column:venue_name": "1",
        "column:venue_address": "4", "column:venue_latitude": "5", "column:venue_longitude": "6",
        "column:timezone": "same", "constant:timezone": "Europe/London", "column:tags": "15", "split:tags": "|",
        "column:ticket_type": "same", "constant:ticket_type": "Visit", "column:capacity": "10",
    }  # fmt: skip
    address = page.post(columns, form)["Location"]
    assert 'hx-trigger="every 1s"' in page.get(address).content.decode()
    with in_tenant(alpha):
        services.validate(ImportJob.objects.get())
    looked = text_of(page.get(address))
    assert "Ready to apply" in looked and "What would change" in looked and "The first 200 are shown." in looked
    page.post(f"{address}apply/")
    with in_tenant(alpha):
        services.apply(ImportJob.objects.get())
        assert Event.objects.count() == 2028
    assert "The file is applied." in text_of(page.get(address))
    # The second time everything is chosen already, and nothing changes.
    again = upload(page, FILE)
    assert 'value="Visit"' in page.get(again).content.decode()
    second = page.post(again, form)["Location"]
    with in_tenant(alpha):
        services.validate(ImportJob.objects.exclude(status="applied").get())
    facts = text_of(page.get(second))
    assert "New 0 Changed 0 Unchanged 2028 Refused 0" in facts


def test_russian_columns_are_guessed_and_times_and_splits_are_said(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    columns = upload(page, SMALL.encode("cp1251"))
    form = {
        "column:title": "0", "column:starts_at": "1", "format:starts_at": "%d.%m.%Y %H:%M", "column:price": "2",
        "column:capacity": "3", "column:tags": "4", "split:tags": "/", "column:ticket_type": "same",
        "constant:ticket_type": "Партер",
    }  # fmt: skip
    shown = page.get(columns).content.decode()
    for place in range(5):
        assert f'<option value="{place}" selected>' in shown
    page.post(columns, form)
    with in_tenant(alpha):
        job = services.validate(ImportJob.objects.get())
        assert job.status == "ready", job.errors
        services.apply(services.ask_to_apply(job, actor=None))
        gull = Event.objects.get(title="Чайка")
        assert gull.starts_at.isoformat() == "2031-05-31T17:30:00+00:00"
        assert {tag.name for tag in gull.tags.all()} == {"драма", "классика"}
        kind = gull.ticket_types.get()
        assert (kind.name, kind.price_minor, kind.quotas.get().capacity) == ("Партер", 120050, 40)


def test_what_must_be_said_is_asked_for_beside_its_field(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    columns = upload(page, SMALL.encode())
    answer = page.post(columns, {"column:title": "0"})
    assert answer.status_code == 400
    assert "Say where this comes from." in text_of(answer) and 'id="error-starts_at"' in answer.content.decode()
    wrong = page.post(columns, {"column:title": "0", "column:starts_at": "1", "timezone:starts_at": "Mars/Base"})
    assert "This is no IANA time zone" in text_of(wrong)


def test_all_errors_come_as_a_file(alpha, page_for, client_for):
    page = page_for(alpha, owner_of(alpha))
    rows = "".join(f"Gala {number},{'never' if number % 2 else '2031-05-01T20:00'}\n" for number in range(3000))
    columns = upload(page, f"title,starts_at\n{rows}".encode())
    address = page.post(columns, {"column:title": "0", "column:starts_at": "1"})["Location"]
    with in_tenant(alpha):
        job = services.validate(ImportJob.objects.get())
        assert (job.status, job.errors_count, len(job.errors)) == ("invalid", 1500, 1000)
    assert "Nothing was changed." in text_of(page.get(address))
    for answer in (
        page.get(f"{address}errors.csv"),
        client_for(alpha, owner_of(alpha)).get(f"/api/v1/imports/{job.pk}/errors.csv"),
    ):
        told = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert len(told) == 1500
        assert told[0] == {"line": "3", "column": "starts_at", "code": "invalid_time", "message": told[0]["message"]}
        assert [int(one["line"]) for one in told] == list(range(3, 3003, 2))


@pytest.mark.parametrize(("content", "text"), [(b"", "The file is empty."), (b"x" * (20 * 1024 * 1024 + 1), "20 MB")])
def test_what_cannot_be_taken_in_is_said_on_the_page(alpha, page_for, content, text):
    page = page_for(alpha, owner_of(alpha))
    sent = page.post("/dashboard/imports/events/", {"file": SimpleUploadedFile("a.csv", content)})
    assert sent.status_code in (400, 413) and text in text_of(sent)


def test_the_pages_are_for_who_may_and_another_tenants_import_is_not_there(alpha, beta, page_for):
    address = upload(page_for(alpha, owner_of(alpha)), SMALL.encode())
    for path in (address, address.replace("columns/", ""), address.replace("columns/", "errors.csv")):
        assert page_for(beta, owner_of(beta)).get(path).status_code == 404
        assert page_for(alpha, make_user()).get(path).status_code == 403
    owner = page_for(alpha, owner_of(alpha))
    assert owner.get("/dashboard/imports/planets/").status_code == 404
    assert owner.get("/dashboard/exports/planets.csv").status_code == 404
    text = text_of(owner.get("/dashboard/imports/"))
    assert "Bring in a file" in text and "Venues" in text and "XLSX" in text
    assert owner.get("/dashboard/exports/venues.xlsx").headers["Content-Disposition"].endswith('"venues.xlsx"')
