"""Events from a file: read as people save them, told line by line what is wrong, all or nothing (B4)."""

import textwrap
from typing import Any

import pytest

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events.models import Category, Event, Tag, Venue
from tenant_apps.imports import reading, running, services
from tenant_apps.imports.models import ImportJob
from tenant_apps.ticketing.models import CheckInList, Quota, TicketType
from tests.factories import make_order, owner_of

_HEAD = (
    "external_id,title,category,tags,starts_at,ends_at,timezone,venue_name,venue_address,status,"
    "ticket_type,price,currency,capacity\n"
)
_GALA = (
    "gala,Winter Gala,Music,winter|dance,2031-01-10T20:00,2031-01-10T23:00,Europe/Vienna,Great Hall,Lichtgasse 12,"
    "published,"
)
_TOUR = "tour,Hall Tour,Tours,,2031-01-12T15:00,,Europe/Vienna,Great Hall,Lichtgasse 12,draft,Free place,0,EUR,\n"
FILE = f"{_HEAD}{_GALA}Standard,45.50,EUR,100\n{_GALA}Student,20,EUR,30\n{_TOUR}"


def run(content: str | bytes, **options: Any) -> ImportJob:
    raw = content.encode() if isinstance(content, str) else content
    job = services.start(resource="events", file_name="events.csv", content=raw, actor=None, dry_run=True, **options)
    return services.validate(job)


def apply(content: str | bytes) -> ImportJob:
    job = run(content)
    assert job.status == "ready", job.errors
    return services.apply(services.ask_to_apply(job, actor=None))


def found(job: ImportJob) -> list[tuple[int, str, str]]:
    return [(one["line"], one["column"], one["code"]) for one in job.errors]


def row(**cells: str) -> str:
    """A file of one row with the required cells, unless told otherwise."""
    cells = {"title": "Gala", "starts_at": "2031-01-10T20:00"} | cells
    return ",".join(cells) + "\n" + ",".join(f'"{value}"' for value in cells.values()) + "\n"


def test_a_file_becomes_events_with_ticket_types_venues_categories_and_tags(in_alpha):
    job = apply(FILE)
    assert job.status == "applied"
    assert job.counts == {"new": 3, "changed": 0, "unchanged": 0, "refused": 0}
    gala, tour = Event.objects.get(external_id="gala"), Event.objects.get(external_id="tour")
    assert (gala.status, tour.status) == ("published", "draft")
    assert gala.starts_at.isoformat() == "2031-01-10T19:00:00+00:00"
    assert gala.category.name == "Music"
    assert {tag.name for tag in gala.tags.all()} == {"winter", "dance"}
    assert gala.venue == tour.venue
    assert [(one.name, one.price_minor) for one in gala.ticket_types.all()] == [("Standard", 4550), ("Student", 2000)]
    assert [one.capacity for one in Quota.objects.filter(event=gala).order_by("pk")] == [100, 30]
    assert Quota.objects.get(event=tour).capacity is None
    assert CheckInList.objects.filter(event=gala).exists()


def test_a_dry_run_says_what_would_happen_and_changes_nothing(in_alpha):
    job = run(FILE)
    assert job.status == "ready"
    assert job.counts["new"] == 3
    assert not Event.objects.filter(external_id="gala").exists()
    assert not Venue.objects.filter(name="Great Hall").exists()
    assert not Category.objects.filter(name="Tours").exists()


def test_the_same_file_twice_changes_nothing(in_alpha):
    apply(FILE)
    before = list(Event.objects.order_by("pk").values_list("pk", "modified_at"))
    job = apply(FILE)
    assert job.counts == {"new": 0, "changed": 0, "unchanged": 3, "refused": 0}
    assert list(Event.objects.order_by("pk").values_list("pk", "modified_at")) == before
    assert TicketType.objects.count() == 3
    assert Tag.objects.filter(name="winter").count() == 1


def test_rows_without_an_external_id_are_known_by_their_content(in_alpha):
    twice = "title,starts_at\nGala,2031-01-10T20:00\nGala,2031-01-10T20:00\n"
    assert apply(twice).counts["new"] == 2
    assert apply(twice).counts["unchanged"] == 2
    assert Event.objects.filter(title="Gala").count() == 2


def test_a_changed_file_changes_what_differs(in_alpha):
    apply(FILE)
    job = apply(FILE.replace("Winter Gala", "Winter Ball").replace("20,EUR,30", "22.00,EUR,40"))
    assert job.counts == {"new": 0, "changed": 2, "unchanged": 1, "refused": 0}
    gala = Event.objects.get(external_id="gala")
    assert gala.title == "Winter Ball"
    student = gala.ticket_types.get(name="Student")
    assert student.price_minor == 2200
    assert student.quotas.get().capacity == 40


def test_one_wrong_row_keeps_the_whole_file_out_and_every_error_names_its_line(in_alpha):
    content = textwrap.dedent("""\
        external_id,title,starts_at,timezone,price,ticket_type,capacity,status,currency
        a,"A title
        on two lines",2031-01-10T20:00,,,,,,
        b,,2031-01-10T20:00,,,,,,
        c,C,tomorrow,,,,,,
        d,D,2031-01-10T20:00,Mars/Base,,,,,
        e,E,2031-01-10T20:00,,12.345,Standard,,,EUR
        f,F,2031-01-10T20:00,,5,,,,
        g,G,2031-01-10T20:00,,abc,Standard,-1,sold,XXX
        h,H,2031-03-30T02:30,Europe/Berlin,,,,,
    """)
    job = run(content)
    assert job.status == "invalid"
    assert found(job) == [
        (4, "title", "required"),
        (5, "starts_at", "invalid_time"),
        (6, "timezone", "timezone"),
        (7, "price", "invalid_price"),
        (8, "ticket_type", "required"),
        (9, "status", "invalid_choice"),
        (9, "price", "invalid_number"),
        (9, "currency", "currency"),
        (9, "capacity", "out_of_range"),
        (10, "starts_at", "nonexistent_time"),
    ]
    assert job.counts["refused"] == 7
    assert job.errors_count == 10
    assert not Event.objects.filter(external_id="a").exists()
    with pytest.raises(services.NotReady):
        services.ask_to_apply(job, actor=None)


def test_a_row_behind_a_refused_one_does_not_count_on_what_that_one_made(in_alpha):
    job = run(FILE.replace("45.50", "45.505") + FILE.splitlines()[1].replace("gala,", "gala-2,") + "\n")
    assert found(job) == [(2, "price", "invalid_price")]
    assert job.counts == {"new": 3, "changed": 0, "unchanged": 0, "refused": 1}


def test_rows_of_one_event_that_contradict_each_other_are_refused(in_alpha):
    job = run(FILE.replace("gala,Winter Gala", "gala,Summer Gala", 1))
    assert found(job) == [(3, "title", "duplicate_row")]
    job = run(FILE + FILE.splitlines()[1].replace("45.50", "50") + "\n")
    assert [code for _, _, code in found(job)] == ["duplicate_row"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_is_read_as_spreadsheets_save_it(in_alpha, encoding, delimiter, newline):
    lines = [
        ["External ID", "Title", "Starts at", "price", "ticket_type"],
        ["1", "Чайка", "2031-01-10T20:00", "1 200,50" if delimiter != "," else "1200.50", "Партер"],
    ]
    content = newline.join(delimiter.join(cells) for cells in lines) + newline
    job = apply(content.encode(encoding))
    assert job.counts["new"] == 1
    event = Event.objects.get(external_id="1")
    assert event.title == "Чайка"
    assert event.ticket_types.get().price_minor == 120050


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"title\nGala\n", (1, "starts_at", "missing_column")),
        (b"title,starts_at,title\nGala,2031-01-10T20:00,x\n", (1, "title", "duplicate_column")),
        (b"title,starts_at\nGala,2031-01-10T20:00,extra\n", (2, "", "too_many_cells")),
        (b'title,starts_at\n"Gala,2031-01-10T20:00\n', (2, "", "malformed")),
        (b"title,starts_at\nGa\0la,2031-01-10T20:00\n", (2, "", "nul")),
        (b"title,starts_at\n\x98\xff,2031\n", (2, "", "encoding")),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_line(in_alpha, content, error):
    job = run(content)
    assert job.status == "invalid"
    assert found(job) == [error]


def test_too_many_rows_are_refused(in_alpha, monkeypatch):
    monkeypatch.setattr(running, "MOST_ROWS", 2)
    assert found(run(FILE)) == [(4, "", "too_many_rows")]


def test_only_a_thousand_errors_are_listed_and_all_are_counted(in_alpha):
    job = run("title,starts_at\n" + "x,never\n" * 1005)
    assert len(job.errors) == 1000
    assert job.errors_count == 1005
    assert job.counts["refused"] == 1005


def test_an_apostrophe_that_guards_a_formula_is_taken_off(in_alpha):
    apply(row(title="'=SUM(A1)"))
    apply(row(title="'Allo 'Allo"))
    assert {event.title for event in Event.objects.all()} >= {"=SUM(A1)", "'Allo 'Allo"}


def test_markup_in_a_description_is_cleaned_and_the_file_still_changes_nothing_twice(in_alpha):
    content = row(external_id="x", description="<p onclick='x()'>Hi</p><script>bad()</script>")
    apply(content)
    assert Event.objects.get(external_id="x").description == "<p>Hi</p>"
    assert apply(content).counts["unchanged"] == 1


def test_a_capacity_below_what_is_sold_is_refused_on_its_line(in_alpha):
    apply(FILE)
    make_order(TicketType.objects.get(name="Student"), quantity=4)
    job = run(FILE.replace("20,EUR,30", "20,EUR,3"))
    assert found(job) == [(3, "capacity", "capacity_below_sold")]


def test_an_event_that_ended_by_itself_is_not_published_again_by_its_old_file(in_alpha):
    apply(FILE)
    Event.objects.filter(external_id="gala").update(status="finished")
    assert apply(FILE).counts["unchanged"] == 3


def test_if_the_data_changed_since_the_check_nothing_is_applied(in_alpha):
    apply(FILE)
    job = run(FILE.replace("20,EUR,30", "20,EUR,3").replace("Hall Tour", "New Tour"))
    assert job.status == "ready"
    make_order(TicketType.objects.get(name="Student"), quantity=4)
    job = services.apply(services.ask_to_apply(job, actor=None))
    assert job.status == "invalid"
    assert not Event.objects.filter(title="New Tour").exists()


def test_applying_twice_is_once(in_alpha):
    job = services.ask_to_apply(run(FILE), actor=None)
    services.apply(job)
    assert services.apply(job).status == "applied"
    assert services.ask_to_apply(job, actor=None).status == "applied"
    assert Event.objects.filter(external_id="gala").count() == 1


def test_over_http_a_file_is_checked_by_a_worker_and_then_applied(transactional_db, alpha, client_for, monkeypatch):
    from tenant_apps.imports import tasks
    from tenants.context import in_tenant

    monkeypatch.setattr(tasks.advance, "apply_async", lambda args, **options: tasks.advance(*args))
    client = client_for(alpha, owner_of(alpha))
    answer = upload(client, FILE)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["status"] == "pending"
    address = f"/api/v1/imports/{answer.json()['id']}/"
    with in_tenant(alpha):
        deliver_due()
    checked = client.get(address).json()
    assert (checked["status"], checked["counts"]["new"], checked["errors"]) == ("ready", 3, [])
    assert client.post(f"{address}apply/").status_code == 202
    with in_tenant(alpha):
        deliver_due()
    assert client.get(address).json()["status"] == "applied"
    listed = client_for(alpha).get("/api/v1/events/").json()["results"]
    assert [event["title"] for event in listed] == ["Winter Gala"]


def test_the_same_upload_under_the_same_key_is_one_import(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    first, second = upload(client, FILE, key="one"), upload(client, FILE, key="one")
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"resource": "planets"}, 400, "unknown_resource"),
        ({"content": ""}, 400, "empty_file"),
        ({"content": "x" * (20 * 1024 * 1024 + 1)}, 413, "file_too_large"),
    ],
)
def test_what_cannot_be_taken_in_at_all_is_refused(alpha, client_for, fields, status, code):
    answer = upload(
        client_for(alpha, owner_of(alpha)), fields.get("content", FILE), resource=fields.get("resource", "events")
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_who_may_import_can_and_another_tenants_import_is_not_there(alpha, beta, client_for):
    from tests.factories import make_user

    assert upload(client_for(alpha), FILE).status_code == 401
    assert upload(client_for(alpha, make_user()), FILE).status_code in (403, 404)
    job = upload(client_for(alpha, owner_of(alpha)), FILE).json()
    assert client_for(beta, owner_of(beta)).get(f"/api/v1/imports/{job['id']}/").status_code == 404


def test_an_import_whose_worker_died_is_taken_up_again(in_alpha, monkeypatch):
    from datetime import timedelta

    from django.utils import timezone

    from tenant_apps.imports import tasks

    monkeypatch.setattr(tasks.advance, "apply_async", lambda args, **options: tasks.advance(*args))
    job = services.start(resource="events", file_name="e.csv", content=FILE.encode(), actor=None, dry_run=False)
    ImportJob.objects.filter(pk=job.pk).update(status="validating", modified_at=timezone.now() - timedelta(minutes=3))
    tasks.resume()
    job.refresh_from_db()
    assert job.status == "applied"


def test_delimiters_are_told_by_the_columns_that_we_know():
    known = {"title", "starts_at"}.__contains__
    assert reading.delimiter_of("title;starts_at;a,b", known) == ";"
    assert reading.delimiter_of("title\tstarts_at", known) == "\t"


def upload(client: Any, content: str, *, key: str = "a-key", resource: str = "events") -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("events.csv", content.encode(), content_type="text/csv")
    return client.post(
        "/api/v1/imports/",
        {"file": file, "resource": resource, "dry_run": "true"},
        format="multipart",
        HTTP_IDEMPOTENCY_KEY=key,
    )
