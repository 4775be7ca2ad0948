"""A partner's price list, the real one of shop 1, into a tenant: as it is, twice, and with other prices."""

import io
import zipfile
from pathlib import Path

import pytest

from tenant_apps.catalog.models import Parameter, Product, ProductCategory, ProductVariant
from tenant_apps.imports import price_lists, services
from tenant_apps.imports.models import ImportJob
from tests.factories import owner_of

REAL = Path(__file__).parents[1] / "data" / "price-list-shop1.yaml"
PRICE_LIST = REAL.read_bytes()
ONE = "goods:\n  - id: 1\n    name: One\n    price: 5\n"
COLUMNS = "external_id,name,price,capacity,category,param.Colour,param.Size\n"


def check(content, name="goods.yaml", actor=None):
    raw = content.encode() if isinstance(content, str) else content
    return services.validate(services.start(resource="products", file_name=name, content=raw, actor=actor))


def apply(content, name="goods.yaml", actor=None):
    job = check(content, name, actor)
    assert job.status == "ready", job.errors
    return services.apply(services.ask_to_apply(job, actor=actor))


def found(job):
    return [(one["line"], one["column"], one["code"]) for one in job.errors]


def test_the_real_price_list_comes_in_whole_with_parameters_prices_and_stock(in_alpha):
    job = apply(PRICE_LIST, actor=owner_of(in_alpha))
    assert job.counts == {"new": 14, "changed": 0, "unchanged": 0, "refused": 0}
    phone = Product.objects.get(external_id="4216292")
    assert phone.name == "Смартфон Apple iPhone XS Max 512GB (золотистый)"
    assert (phone.price_minor, phone.recommended_price_minor) == (11000000, 11699000)
    assert phone.model == "apple/iphone/xs-max"
    assert phone.parameters == {
        "Диагональ (дюйм)": 6.5,
        "Разрешение (пикс)": "2688x1242",
        "Встроенная память (Гб)": 512,
        "Цвет": "золотистый",
    }
    assert phone.variants.get().capacity == 14
    assert (phone.category.name, phone.category.external_id, phone.supplier) == ("Смартфоны", "224", "Связной")
    assert ProductCategory.objects.count() == 4
    television = Product.objects.get(external_id="123424576")
    assert television.parameters["Smart TV"] is True
    kinds = dict(Parameter.objects.filter(category__external_id="5").values_list("name", "kind"))
    assert kinds == {"Screen Size (inches)": "number", "Resolution (pixels)": "text", "Smart TV": "boolean"}


def test_the_real_price_list_twice_changes_nothing(in_alpha):
    apply(PRICE_LIST)
    before = list(Product.objects.order_by("pk").values_list("pk", "modified_at", "variants__modified_at"))
    job = apply(PRICE_LIST)
    assert job.counts == {"new": 0, "changed": 0, "unchanged": 14, "refused": 0}
    assert (job.changes, job.changes_count) == ([], 0)
    assert list(Product.objects.order_by("pk").values_list("pk", "modified_at", "variants__modified_at")) == before


def test_a_second_list_with_other_prices_shows_exactly_that(in_alpha):
    apply(PRICE_LIST)
    changed = PRICE_LIST.decode().replace("price: 110000", "price: 105000").replace("quantity: 14", "quantity: 20")
    changed = changed.replace("price: 1500\n", "price: 1600\n")
    job = check(changed)
    assert job.counts == {"new": 0, "changed": 2, "unchanged": 12, "refused": 0}
    assert job.changes == [
        {
            "line": 13,
            "outcome": "changed",
            "key": "4216292",
            "name": "Смартфон Apple iPhone XS Max 512GB (золотистый)",
            "fields": [
                {"field": "price", "before": "110000.00", "after": "105000.00"},
                {"field": "capacity", "before": 14, "after": 20},
            ],
        },
        {
            "line": 85,
            "outcome": "changed",
            "key": "1235464569",
            "name": "USB Flash Drive SanDisk Ultra Flair 64GB (silver)",
            "fields": [{"field": "price", "before": "1500.00", "after": "1600.00"}],
        },
    ]
    # A look changes nothing.
    assert Product.objects.get(external_id="4216292").price_minor == 11000000
    services.apply(services.ask_to_apply(job, actor=None))
    assert Product.objects.get(external_id="4216292").price_minor == 10500000
    assert ProductVariant.objects.get(product__external_id="4216292").capacity == 20


def test_stock_cannot_fall_below_what_is_sold(in_alpha):
    apply(PRICE_LIST)
    ProductVariant.objects.filter(product__external_id="4216292").update(sold=3, held=2)
    job = check(PRICE_LIST.decode().replace("quantity: 14", "quantity: 4"))
    assert (job.status, found(job)) == ("invalid", [(13, "capacity", "capacity_below_sold")])
    assert check(PRICE_LIST.decode().replace("quantity: 14", "quantity: 5")).status == "ready"


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("goods: &all []\nmore: *all\n", 1, "alias"),
        ("a: &a [1]\ngoods:\n  - *a\n", 1, "alias"),
        ("goods:\n  - *nothing\n", 2, "alias"),
        ("goods: !!python/object/apply:os.system [id]\n", 1, "tag"),
        ("goods:\n  - !!str 5\n", 2, "tag"),
        ("goods: [[[[[[[[1]]]]]]]]\n", 1, "too_deep"),
        ("goods: []\ngoods: []\n", 2, "duplicate_key"),
        ("goods: []\n---\ngoods: []\n", 2, "several_documents"),
        ("goods: [\n", 2, "malformed"),
        ("goods: 5\n", 1, "missing_column"),
        ("- 1\n", 1, "missing_column"),
        ("goods:\n  - 5\n", 2, "malformed"),
        ("goods:\n  - {name: [1]}\n", 2, "malformed"),
        ("goods:\n  - {id: 1, name: A, price: 1, category: 9}\n", 2, "does_not_exist"),
        ("goods:\n  - {id: 1, name: A, price: 1, parameters: {a: [1]}}\n", 2, "malformed"),
        ("# nothing\n", 1, "empty_file"),
        ("goods: \x07\n", 1, "malformed"),
    ],
)
def test_yaml_that_is_no_price_list_or_a_trap_is_refused_by_line(in_alpha, text, line, code):
    job = check(text)
    assert job.status == "invalid"
    assert [(at, what) for at, _column, what in found(job)] == [(line, code)]


def test_yaml_is_bounded_in_size_and_in_values(in_alpha, monkeypatch):
    monkeypatch.setattr(price_lists, "MOST_VALUES", 20)
    assert found(check(PRICE_LIST))[0][2] == "too_many_values"
    monkeypatch.setattr(price_lists, "MOST_BYTES", 1000)
    assert found(check(PRICE_LIST))[0][2] == "file_too_large"


def test_plain_words_are_read_by_the_core_schema():
    words = ["yes", "1:30", "2688x1242", "007", "1e3", "true", "~", "-5", "6.5", "0x1F", ".inf", "2026-01-05"]
    read = [price_lists.scalar(word) for word in words]
    assert read == ["yes", "1:30", "2688x1242", "007", "1e3", True, None, -5, 6.5, "0x1F", ".inf", "2026-01-05"]


def test_wrong_goods_are_named_by_line_and_column_and_nothing_comes_in(in_alpha):
    job = check(
        "goods:\n"
        "  - {id: 1, name: A, price: 5}\n"
        "  - {id: 2, name: B, price: -5}\n"
        "  - {id: 3, name: C, price: five}\n"
        "  - {id: 4, price: 5}\n"
        "  - {id: 1, name: Again, price: 6}\n"
        "  - {id: 6, name: F, price: 5, quantity: -1}\n"
        "  - {id: 7, name: G, price: 1.234}\n"
    )
    assert found(job) == [
        (3, "price", "out_of_range"),
        (4, "price", "invalid_number"),
        (5, "name", "required"),
        (6, "external_id", "duplicate_row"),
        (7, "capacity", "out_of_range"),
        (8, "price", "invalid_price"),
    ]
    assert job.counts == {"new": 1, "changed": 0, "unchanged": 0, "refused": 6}
    assert not Product.objects.exists()


def test_a_value_of_another_kind_than_declared_is_refused(in_alpha):
    apply(ONE + "    parameters: {Size: 5}\n")
    job = check(ONE + "    parameters: {Size: large}\n")
    assert found(job) == [(2, "param.Size", "wrong_kind")]


def test_csv_and_xlsx_say_the_same_as_each_other(in_alpha):
    rows = [("a", "Cup", "4.50", "10", "Kitchen", "red", "5"), ("b", "Bowl", "19.99", "", "Kitchen", "blue", "7.5")]
    job = apply(COLUMNS + "".join(",".join(row) + "\n" for row in rows), "goods.csv")
    assert job.counts["new"] == 2
    bowl = Product.objects.get(external_id="b")
    assert bowl.parameters == {"Colour": "blue", "Size": 7.5}
    assert bowl.variants.get().capacity is None
    again = check(workbook([COLUMNS.strip().split(","), *rows]), "goods.xlsx")
    assert again.counts == {"new": 0, "changed": 0, "unchanged": 2, "refused": 0}, again.errors
    changed = check(workbook([COLUMNS.strip().split(","), rows[0], (*rows[1][:2], "18.99", *rows[1][3:])]), "g.xlsx")
    assert [one["fields"] for one in changed.changes] == [[{"field": "price", "before": "19.99", "after": "18.99"}]]


def test_xlsx_traps_are_refused(in_alpha):
    good = [COLUMNS.strip().split(","), ("a", "Cup", "4.50", "10", "Kitchen", "red", "5")]
    bomb = check(workbook(good, extra={"xl/media/x": b"0" * 30_000_000}), "g.xlsx")
    assert found(bomb) == [(1, "", "zip_bomb")]
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst><si><t>&a;</t></si></sst>'
    assert found(check(workbook(good, extra={"xl/sharedStrings.xml": entities}), "g.xlsx")) == [(1, "", "doctype")]
    assert found(check(b"PK\x03\x04 and no more", "g.xlsx")) == [(1, "", "malformed")]
    assert found(check(workbook(good)[:-40], "g.xlsx")) == [(1, "", "malformed")]
    assert found(check(workbook(good).replace(b"xl/workbook.xml", b"xl/workbuch.xml"), "g.xlsx")) == [
        (1, "", "malformed")
    ]


def test_a_zip_that_lies_about_its_size_is_stopped_while_it_unpacks(in_alpha, monkeypatch):
    from tenant_apps.imports import sheets

    good = workbook([COLUMNS.strip().split(","), *[(str(n), "Cup", "4", "", "", "", "") for n in range(200)]])
    monkeypatch.setattr(sheets, "_check", lambda archive: None)
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 5_000)
    assert found(check(good, "g.xlsx")) == [(1, "", "zip_bomb")]


def test_rows_with_one_id_and_unlike_codes_are_variants(in_alpha):
    text = "external_id,name,price,capacity,sku,variant\nshirt,Shirt,20,5,S-1,Small\nshirt,Shirt,22,7,L-1,Large\n"
    assert apply(text, "g.csv").counts["new"] == 2
    shirt = Product.objects.get()
    assert [(one.sku, one.name, one.price_minor, one.capacity) for one in shirt.variants.all()] == [
        ("S-1", "Small", None, 5),
        ("L-1", "Large", 2200, 7),
    ]
    assert apply(text, "g.csv").counts["unchanged"] == 2


def test_over_http_with_a_dry_run_first(transactional_db, alpha, client_for):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tenant_apps.activity.delivery import deliver_due
    from tenants.context import in_tenant

    staff = client_for(alpha, owner_of(alpha))
    file = SimpleUploadedFile("price-list-shop1.yaml", PRICE_LIST)
    made = staff.post(
        "/api/v1/imports/", {"file": file, "resource": "products"}, format="multipart", HTTP_IDEMPOTENCY_KEY="k1"
    )
    assert made.status_code == 201, made.content
    with in_tenant(alpha):
        deliver_due()
        services.validate(ImportJob.objects.get())
    seen = staff.get(f"/api/v1/imports/{made.json()['id']}/").json()
    assert (seen["status"], seen["counts"]["new"], seen["changes_count"]) == ("ready", 14, 14)
    assert {"field": "param.Цвет", "before": None, "after": "золотистый"} in seen["changes"][0]["fields"]
    assert staff.post(f"/api/v1/imports/{made.json()['id']}/apply/").status_code == 202
    with in_tenant(alpha):
        services.apply(ImportJob.objects.get())
    listed = client_for(alpha).get("/api/v1/products/?param.Цвет=черный").json()
    assert [one["name"] for one in listed["results"]] == ["Смартфон Apple iPhone XR 256GB (черный)"]
    assert client_for(alpha).get("/api/v1/products/?param.Smart TV=true").json()["count"] == 5
    # The second list, with one other price: exactly that, and nothing is changed by looking.
    second = SimpleUploadedFile("price-list-shop1.yaml", PRICE_LIST.replace(b"price: 110000", b"price: 99000"))
    made = staff.post(
        "/api/v1/imports/", {"file": second, "resource": "products"}, format="multipart", HTTP_IDEMPOTENCY_KEY="k2"
    )
    with in_tenant(alpha):
        services.validate(ImportJob.objects.get(pk=made.json()["id"]))
    seen = staff.get(f"/api/v1/imports/{made.json()['id']}/").json()
    assert seen["counts"] == {"new": 0, "changed": 1, "unchanged": 13, "refused": 0}
    (change,) = seen["changes"]
    assert (change["key"], change["outcome"]) == ("4216292", "changed")
    assert change["fields"] == [{"field": "price", "before": "110000.00", "after": "99000.00"}]
    assert client_for(alpha).get("/api/v1/products/?price_min=110000").json()["count"] == 1


def workbook(rows, extra=None):
    """A small XLSX file as a spreadsheet program would write it: shared strings for text, numbers as numbers."""
    strings = []

    def cell(value, column, line):
        reference = f"{chr(65 + column)}{line}"
        try:
            return f'<c r="{reference}"><v>{float(value)!r}</v></c>'
        except ValueError:
            strings.append(value)
            return f'<c r="{reference}" t="s"><v>{len(strings) - 1}</v></c>' if value else ""

    lines = "".join(
        f'<row r="{line}">{"".join(cell(value, column, line) for column, value in enumerate(row))}</row>'
        for line, row in enumerate(rows, start=1)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r0" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {space} xmlns:r="{relations}"><sheets><sheet name="A" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships"><Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{lines}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {space}>{''.join(f'<si><t>{one}</t></si>' for one in strings)}</sst>",
        **(extra or {}),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()
