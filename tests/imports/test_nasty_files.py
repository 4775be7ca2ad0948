"""Files that are broken or mean harm: refused clearly, with the line, and nothing comes in (B1, B4)."""

import io
import zipfile

import openpyxl
import pytest

from tenant_apps.events.models import Event
from tenant_apps.imports import reading, services
from tests.factories import owner_of
from tests.imports.test_events_file import apply, found, run, upload

HEAD = "external_id,title,starts_at\n"


def sheet(rows, change=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book.active)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_a_spoilt_byte_in_utf8_is_named_by_its_line_and_not_read_as_another_encoding(in_alpha):
    content = (HEAD + "".join(f"{n},Чайка по Чехову,2031-01-10T20:00\n" for n in range(40))).encode()
    spoilt = content.replace("25,Чайка".encode(), b"25,\xff\xfe")
    assert found(run(spoilt)) == [(27, "", "encoding")]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "cp866", "mac_cyrillic", "utf-16", "utf-16-le", "utf-8-sig"])
def test_common_encodings_are_told_apart(in_alpha, encoding):
    text = HEAD.replace(",", ";") + "".join(
        f"{n};Вишнёвый сад, действие {n}: приезд Раневской в имение;2031-01-10T20:00\n" for n in range(30)
    )
    content = text.encode(encoding)
    if encoding == "utf-16-le":
        content = b"\xff\xfe" + content
    apply(content)
    assert Event.objects.get(external_id="7").title == "Вишнёвый сад, действие 7: приезд Раневской в имение"


def test_western_letters_are_read_too(in_alpha):
    apply((HEAD + "1,Café Müller: die große Nacht,2031-01-10T20:00\n").encode("cp1252"))
    assert Event.objects.get(external_id="1").title == "Café Müller: die große Nacht"


def test_a_row_with_another_delimiter_than_the_header_is_refused(in_alpha):
    assert found(run(HEAD + "1,Good,2031-01-10T20:00\n2;Bad;2031-01-10T20:00\n")) == [(3, "", "mixed_delimiters")]


def test_rare_delimiters_are_found(in_alpha):
    for delimiter in "|^~":
        content = HEAD.replace(",", delimiter) + f"k{ord(delimiter)},Gala,2031-01-10T20:00\n".replace(",", delimiter)
        assert apply(content).counts["new"] == 1


def test_ids_that_come_twice_are_refused_or_decided(in_alpha):
    content = HEAD + "1,First,2031-01-10T20:00\n1,Second,2031-01-10T20:00\n"
    assert found(run(content)) == [(3, "title", "duplicate_row")]
    for choice, title in (("skip", "First"), ("last", "Second")):
        job = run(content, on_duplicate=choice)
        assert job.status == "ready"
        services.apply(services.ask_to_apply(job, actor=None))
        assert Event.objects.get(external_id="1").title == title


def test_formulas_stay_text(in_alpha):
    apply(HEAD + "1,=HYPERLINK(A1),2031-01-10T20:00\n")
    assert Event.objects.get(external_id="1").title == "=HYPERLINK(A1)"


def test_a_cell_of_ten_megabytes_is_refused_by_its_line(in_alpha):
    content = HEAD + "1,Good,2031-01-10T20:00\n2," + "x" * 10_000_000 + ",2031-01-10T20:00\n"
    assert found(run(content)) == [(3, "", "too_long")]


def test_a_quote_that_never_ends_is_refused(in_alpha):
    assert found(run(HEAD + '1,"Gala,2031-01-10T20:00\n' * 3))[0][2] == "malformed"


def test_lines_are_counted_as_an_editor_does_with_line_breaks_in_cells(in_alpha):
    content = 'external_id,title,starts_at,description\n1,A,2031-01-10T20:00,"one\r\ntwo\n\nfour"\n\n2,B,never,\n'
    assert found(run(content)) == [(7, "starts_at", "invalid_time")]


def test_a_hundred_thousand_rows_are_the_most(alpha, client_for):
    content = "title,starts_at\n" + "x,2031-01-10T20:00\n" * 100_001
    answer = upload(client_for(alpha, owner_of(alpha)), content)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_rows")


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"mapping": {"planet": "x"}}, "mapping.planet", "unknown_field"),
        ({"mapping": {"title": {"column": "a", "constant": "b"}}}, "mapping.title", "invalid"),
        ({"mapping": {"title": {"column": "a", "split": "|"}}}, "mapping.title", "invalid"),
        ({"mapping": {"starts_at": {"column": "a", "timezone": "Mars/Base"}}}, "mapping.starts_at", "timezone"),
        ({"mapping": ["title"]}, "mapping", "invalid"),
        ({"key": "listing"}, "key", "invalid"),
        ({"on_duplicate": "perhaps"}, "on_duplicate", "invalid_choice"),
    ],
)
def test_a_mapping_that_says_nothing_is_refused_at_once(in_alpha, options, field, code):
    with pytest.raises(services.InvalidInput) as refused:
        services.start(resource="events", file_name="e.csv", content=HEAD.encode(), actor=None, **options)
    assert [(one.field, one.code) for one in refused.value.errors] == [(field, code)]


def test_a_mapping_over_http_is_json(alpha, client_for):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = client_for(alpha, owner_of(alpha))

    def send(mapping, key):
        body = {"file": SimpleUploadedFile("e.csv", b"a,b\nGala,2031-01-10T20:00\n"), "resource": "events",
                "mapping": mapping}  # fmt: skip
        return client.post("/api/v1/imports/", body, format="multipart", HTTP_IDEMPOTENCY_KEY=key)

    assert send("{", "one").status_code == 400
    assert send('{"title": "a", "title": "b"}', "two").status_code == 400
    assert send('{"title": NaN}', "three").status_code == 400
    good = send('{"title": "a", "starts_at": {"column": "b", "timezone": "Europe/London"}}', "four")
    assert good.status_code == 201, good.json()
    assert good.json()["mapping"]["starts_at"] == {"column": "b", "timezone": "Europe/London"}


def test_a_column_that_the_file_has_not_is_named(in_alpha):
    job = run(HEAD, mapping={"title": "name", "starts_at": "starts_at"})
    assert found(job) == [(1, "title", "unknown_column")]


def test_sheets_bring_dates_numbers_and_truth_as_people_type_them(in_alpha):
    import datetime

    rows = [["external_id", "title", "starts_at", "ticket_type", "price", "capacity"],
            ["1", "Gala", datetime.datetime(2031, 1, 10, 20, 30), "Standard", 19.99, 40]]  # fmt: skip
    assert apply(sheet(rows)).counts["new"] == 1
    event = Event.objects.get()
    assert event.starts_at.isoformat() == "2031-01-10T19:30:00+00:00"
    assert event.ticket_types.get().price_minor == 1999


def test_a_sheet_whose_corners_are_far_apart_is_a_bomb(in_alpha):
    def far(active):
        active["XFD1048576"] = "x"

    assert found(run(sheet([["title", "starts_at"]], far)))[0][2] == "too_many_cells"

    def deep(active):
        active["A1048576"] = "x"

    assert found(run(sheet([["title", "starts_at"]], deep)))[0][2] == "too_many_rows"


def test_a_formula_that_failed_is_refused_by_its_row(in_alpha):
    def wrong(active):
        active["B3"] = "#DIV/0!"
        active["B3"].data_type = "e"

    rows = [["title", "starts_at"], ["A", "2031-01-10T20:00"], ["B", ""]]
    assert found(run(sheet(rows, wrong))) == [(3, "", "formula_error")]


@pytest.mark.parametrize("change", ["nothing", "bomb", "doctype"])
def test_a_zip_is_looked_through_before_anything_reads_it(in_alpha, change):
    content = sheet([["title", "starts_at"], ["Gala", "2031-01-10T20:00"]])
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.infolist():
            data = source.read(part)
            if change == "doctype" and part.filename.endswith("sheet1.xml"):
                data = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + data.removeprefix(b"<?xml version='1.0'?>")
            archive.writestr(part.filename, data)
        if change == "bomb":
            archive.writestr("xl/media/image1.png", b"\0" * 40_000_000)
    job = run(target.getvalue())
    expected = {"nothing": [], "bomb": [(1, "", "zip_bomb")], "doctype": [(1, "", "doctype")]}
    assert found(job) == expected[change]


def test_the_whole_file_is_read_in_pieces():
    class Pieces(io.BytesIO):
        most = 0

        def read(self, size=-1):
            data = super().read(size)
            self.most = max(self.most, len(data))
            return data

    file = Pieces((HEAD + "1,Gala,2031-01-10T20:00\n" * 200_000).encode())
    table = reading.open_table(file)
    assert sum(1 for _row in table.rows(most=300_000)) == 200_000
    assert file.most <= 1024 * 1024
