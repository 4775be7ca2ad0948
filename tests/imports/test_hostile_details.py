"""What hides in the details of a file or its mapping: NULs that are spelled, impossible formats, foreign eyes."""

import io
import random
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenant_apps.events.models import EventSeries
from tenant_apps.imports import services, sheets
from tenant_apps.imports.errors import UnreadableFile
from tenant_apps.imports.models import ImportJob, ImportMapping
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.staff.models import Membership, Role
from tenant_apps.ticketing.models import TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, make_user, owner_of
from tests.imports.test_admissions import check
from tests.imports.test_events_file import apply, found, row, run
from tests.imports.test_nasty_files import sheet

GALA = b"title,starts_at\nGala,2031-01-10T20:00\n"


def with_nul(rows):
    """A workbook whose word PLACE spells a NUL as spreadsheets do."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(rows))) as source, zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            changed.writestr(name, source.read(name).replace(b"PLACE", b"a_x0000_b"))
    return target.getvalue()


def test_a_nul_that_a_spreadsheet_spells_is_refused_with_its_line(in_alpha):
    content = with_nul([["title", "starts_at"], ["Gala", "2031-01-10T20:00"], ["PLACE", "2031-01-10T20:00"]])
    job = services.validate(services.start(resource="events", file_name="a.xlsx", content=content, actor=None))
    assert (job.status, found(job)) == ("invalid", [(3, "", "nul")])


def test_a_nul_in_a_spreadsheet_is_no_fault_of_the_upload_page(alpha, page_for):
    content = with_nul([["title", "starts_at"], ["PLACE", "2031-01-10T20:00"]])
    page = page_for(alpha, owner_of(alpha))
    sent = page.post("/dashboard/imports/events/", {"file": SimpleUploadedFile("a.xlsx", content)})
    assert sent.status_code == 302


@pytest.mark.parametrize("spelled", ["a\\0b", "a\\x00b", "a\\u0000b"])
def test_a_nul_that_yaml_spells_is_refused_with_its_line(in_alpha, spelled):
    for name, parameter in ((spelled, "plain"), ("plain", spelled)):
        text = f'goods:\n  - id: 1\n    name: "{name}"\n    price: 3\n    parameters: {{x: "{parameter}"}}\n'
        job = services.start(resource="products", file_name="a.yaml", content=text.encode(), actor=None)
        job = services.validate(job)
        assert (job.status, [one["code"] for one in job.errors]) == ("invalid", ["nul"])


@pytest.mark.parametrize("pattern", ["%Y %Y", "YYYY YYYY", "%", "%Q", "%c %Y"])
def test_a_way_of_writing_times_that_there_is_not_is_refused_at_once(alpha, client_for, pattern):
    answer = client_for(alpha, owner_of(alpha)).post(
        "/api/v1/imports/",
        {
            "file": SimpleUploadedFile("a.csv", GALA),
            "resource": "events",
            "mapping": f'{{"title": "title", "starts_at": {{"column": "starts_at", "format": "{pattern}"}}}}',
        },
        format="multipart",
        HTTP_IDEMPOTENCY_KEY=f"pattern-{len(pattern)}-{pattern[:2].encode().hex()}",
    )
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == "mapping.starts_at"


@pytest.mark.parametrize(
    ("pattern", "cell"), [("%d.%m.%Y", "01.01.0001"), ("%d.%m.%Y", "31.12.9999"), ("%H:%M", "19:30")]
)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_years_that_no_event_has_are_refused_whatever_the_format(in_alpha, pattern, cell, zone):
    mapping = {"title": "title", "starts_at": {"column": "starts_at", "format": pattern, "timezone": zone}}
    assert found(run(f"title,starts_at\nGala,{cell}\n", mapping=mapping)) == [(2, "starts_at", "out_of_range")]


def test_who_may_not_see_orders_reads_no_import_of_attendees(alpha, client_for):
    person = make_user()
    with in_tenant(alpha):
        role = Role.objects.create(name="Setter", permissions=["change_event", "import"])
        Membership.objects.create(user_id=person.pk, role=role)
        make_ticket_type(make_event("Gala", external_id="gala"))
        rows = "event,email,name\ngala,ann@x.test,Ann Secret\ngala,not-an-address,Bob Secret\n"
        job = check(rows)
        assert job.errors
        ImportMapping.objects.create(resource="attendees", signature="s", mapping={"email": {"constant": "a@x.test"}})
        mine = services.start(resource="events", file_name="e.csv", content=GALA, actor=None)
    client = client_for(alpha, person)
    for address in ("", "errors.csv"):
        assert client.get(f"/api/v1/imports/{job.pk}/{address}").status_code == 404
    assert client.post(f"/api/v1/imports/{job.pk}/apply/").status_code == 404
    assert client.get(f"/api/v1/imports/{mine.pk}/").status_code == 200
    assert client.get("/api/v1/import-mappings/").json()["results"] == []
    assert client_for(alpha, owner_of(alpha)).get(f"/api/v1/imports/{job.pk}/errors.csv").status_code == 200


@pytest.mark.parametrize("status", ["cancelled", "archived"])
def test_no_ticket_is_imported_for_an_event_that_is_off(in_alpha, status):
    make_ticket_type(make_event("Gala", external_id="gala", status=status))
    job = check("event,email\ngala,ann@x.test\n")
    assert found(job) == [(2, "event", "not_on_sale")]


def test_no_ticket_is_imported_for_the_set_up_of_a_series(in_alpha):
    event = make_event("Gala", published=False)
    make_ticket_type(event)
    EventSeries.objects.create(slug="galas", title="Galas", template=event, timezone="Europe/Berlin")
    assert found(check(f"event,email\n{event.slug},ann@x.test\n")) == [(2, "event", "not_on_sale")]


def test_an_address_that_tells_rows_apart_does_not_stay_in_the_ledger(in_alpha):
    make_ticket_type(make_event("Gala", external_id="gala"))
    content = b"event,email\ngala,ann@x.test\n"
    for outcome in ("new", "unchanged"):
        job = services.start(resource="attendees", file_name="a.csv", content=content, actor=None, key=["email"])
        job = services.validate(job)
        assert (job.status, job.counts[outcome]) == ("ready", 1)
        services.apply(services.ask_to_apply(job, actor=None))
    assert Payment.objects.count() == 1
    for model in (Payment, LedgerEntry):
        assert "ann" not in model.objects.get().reference


def test_a_ticket_type_from_a_file_has_the_tenants_tax_as_one_made_by_hand(in_alpha):
    in_alpha.preferences = {**in_alpha.preferences, "tax_rate": "19"}
    in_alpha.save()
    with in_tenant(in_alpha):
        apply(row(ticket_type="Standard", price="10", capacity="5"))
        assert TicketType.objects.get().tax_rate == 19


def test_the_page_of_columns_keeps_no_nul(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    sent = page.post("/dashboard/imports/events/", {"file": SimpleUploadedFile("a.csv", GALA)})
    form = {"column:title": "same", "constant:title": "a\0b", "column:starts_at": "1"}
    assert page.post(sent["Location"], form).status_code == 400
    with in_tenant(alpha):
        assert ImportJob.objects.get().mapping == {}


def changed_sheet(rows, shared=b""):
    """A workbook whose sheet goes on with these rows of XML, and the texts that its cells name by number."""
    target = io.BytesIO()
    plain = io.BytesIO(sheet([["title", "starts_at"]]))
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed:
        for name in source.namelist():
            changed.writestr(name, source.read(name).replace(b"</sheetData>", rows + b"</sheetData>"))
        if shared:
            space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
            changed.writestr("xl/sharedStrings.xml", b'<sst xmlns="%b">%b</sst>' % (space, shared))
            # Something that packs badly, so that it is not the packing that is refused.
            changed.writestr("xl/media/noise.bin", random.Random(4).randbytes(400_000))
    return target.getvalue()


def code_of(content):
    try:
        return len(list(sheets.lines(io.BytesIO(content))))
    except UnreadableFile as refusal:
        return refusal.code


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (b'<row r="2"><c r="A300000"><v>1</v></c></row>', "too_many_rows"),
        (b'<row r="2"><c r="a300000"><v>1</v></c></row>', "too_many_rows"),
        (b'<c r="A300000"><v>1</v></c>', "too_many_rows"),
        (b'<row r="2"><c r="xfd2"><v>1</v></c></row>', "too_many_cells"),
        (b'<row r="2"><c r="AAAAAA2"><v>1</v></c></row>', "too_many_cells"),
        (b'<row r="2"><c r="A"><v>1</v></c></row>', "malformed"),
    ],
)
def test_cells_far_apart_are_refused_however_they_say_where_they_are(cell, code):
    """The reader goes by the cell, not by its row: two cells would unfold to millions."""
    assert code_of(changed_sheet(cell)) == code


def test_a_text_that_is_kept_once_and_stands_in_very_many_cells_is_a_bomb():
    rows = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(2, 6002))
    assert code_of(changed_sheet(rows, b"<si><t>%b</t></si>" % (b"x" * 20_000))) == "zip_bomb"
    assert code_of(changed_sheet(rows, b"<si><t>short</t></si>")) == 6001


def test_parts_of_a_workbook_that_differ_by_case_only_are_refused():
    target = io.BytesIO(sheet([["title", "starts_at"]]))
    with zipfile.ZipFile(target, "a") as changed:
        changed.writestr("XL/Worksheets/Sheet1.xml", b"<worksheet/>")
    assert code_of(target.getvalue()) == "malformed"
