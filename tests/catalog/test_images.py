"""Pictures of goods and of events: the same story for both, through HTTP."""

import io
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from shared_apps.core import pictures
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry
from tenant_apps.catalog.models import ProductImage
from tenant_apps.events.models import EventMedia
from tenants.context import in_tenant
from tests.core.test_images import bomb, picture
from tests.factories import make_event, make_user, owner_of, sign_in
from tests.pictures import picture_file


@dataclass
class Kind:
    """Events or products: where their pictures are, and how one is made."""

    name: str
    owner: str
    address: str
    model: Any
    topic: str


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    """Files of this test alone."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(params=["events", "products"])
def kind(request, alpha, client_for):
    staff = client_for(alpha, owner_of(alpha))
    if request.param == "events":
        with in_tenant(alpha):
            slug = make_event("Gala").slug
        return Kind("events", f"/api/v1/events/{slug}/", f"/api/v1/events/{slug}/media/", EventMedia, "event_media")
    made = staff.post("/api/v1/products/", {"name": "Cup", "price": "5"}, format="json").json()
    owner = f"/api/v1/products/{made['slug']}/"
    return Kind("products", owner, f"{owner}images/", ProductImage, "product_image")


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


@pytest.fixture
def anyone(alpha, client_for):
    return client_for(alpha)


def add(staff, kind, alt="A teal wall", **options):
    answer = staff.post(kind.address, {"image": picture_file(**options), "alt": alt}, format="multipart")
    assert answer.status_code == 201, answer.content
    return answer.json()


def shown(anyone, kind):
    """The pictures as the owner's own answer has them."""
    body = anyone.get(kind.owner).json()
    return body["media" if kind.name == "events" else "images"]


def files(tenant, folder):
    try:
        return sorted(default_storage.listdir(f"{tenant.schema_name}/{folder}")[1])
    except FileNotFoundError:
        return []


def test_a_picture_comes_in_several_sizes_that_anyone_can_fetch(alpha, kind, staff, anyone):
    made = add(staff, kind, exif=b"Exif\x00\x00secret")
    assert (made["width"], made["height"], made["lead"], made["alt"]) == (1600, 900, True, "A teal wall")
    sizes = [(one["type"], one["width"], one["height"]) for one in made["sources"]]
    widths = [(320, 180), (640, 360), (1280, 720), (1600, 900)]
    assert sizes == [(each, *size) for each in ("image/webp", "image/jpeg") for size in widths]
    assert shown(anyone, kind) == [made] == anyone.get(kind.address).json()["results"]
    for one in made["sources"]:
        answer = anyone.get(one["url"])
        assert (answer.status_code, answer["Content-Type"]) == (200, one["type"])
        assert answer["X-Content-Type-Options"] == "nosniff" and answer["Content-Disposition"].startswith("attachment")
        assert "immutable" in answer["Cache-Control"] and "sandbox" in answer["Content-Security-Policy"]
        opened = Image.open(io.BytesIO(answer.content))
        assert opened.size == (one["width"], one["height"]) and b"secret" not in answer.content
    with in_tenant(alpha):
        row = kind.model.objects.get()
        paths = [f"{alpha.schema_name}/{kind.name}/{name}" for name in files(alpha, kind.name)]
        mine = [path for path in paths if row.stem in path]
        assert len(mine) == 8 and row.size_bytes == sum(map(default_storage.size, mine)) == pictures.stored_bytes()


def test_a_small_picture_is_not_made_larger_and_see_through_stands_on_white(staff, anyone, kind):
    sink = io.BytesIO()
    Image.new("RGBA", (200, 100), (0, 0, 0, 0)).save(sink, "PNG")
    body = {"image": SimpleUploadedFile("logo.png", sink.getvalue()), "alt": "Logo"}
    made = staff.post(kind.address, body, format="multipart").json()
    assert [one["width"] for one in made["sources"]] == [200, 200]
    jpeg = Image.open(io.BytesIO(anyone.get(made["url"]).content))
    assert jpeg.format == "JPEG" and min(jpeg.getpixel((50, 50))) > 250
    webp = Image.open(io.BytesIO(anyone.get(made["sources"][0]["url"]).content))
    assert webp.mode == "RGBA" and webp.getpixel((50, 50))[3] == 0


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "invalid"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "image_invalid"),
        (b"<html><script>alert(1)</script>", 400, "image_invalid"), (picture("GIF"), 400, "image_invalid"),
        (picture()[:300], 400, "image_invalid"), (bomb(50_000, 50_000), 413, "image_too_large"),
        (bomb(5001, 5000), 413, "image_too_large"), (b"\xff" * (5 * 1024 * 1024 + 1), 413, "image_too_large"),
    ],
    ids=["nothing", "svg", "html", "gif", "cut off", "bomb", "a pixel too many", "a byte too many"],
)  # fmt: skip
def test_bombs_and_what_is_no_picture_are_refused_and_leave_nothing(alpha, staff, kind, content, status, code):
    before = files(alpha, kind.name)
    answer = staff.post(
        kind.address, {"image": SimpleUploadedFile("x.png", content), "alt": "Anything"}, format="multipart"
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert files(alpha, kind.name) == before
    with in_tenant(alpha):
        assert not kind.model.objects.exists()


@pytest.mark.parametrize("alt", [None, "", "   ", "x" * 301, "two\nlines"])
def test_a_picture_says_what_it_shows(alpha, staff, kind, alt):
    before = files(alpha, kind.name)
    body = {"image": picture_file(size=(40, 40))} | ({} if alt is None else {"alt": alt})
    answer = staff.post(kind.address, body, format="multipart")
    assert answer.status_code == 400 and [one["field"] for one in answer.json()["errors"]] == ["alt"]
    assert files(alpha, kind.name) == before


def test_pictures_are_put_in_order_and_one_of_them_leads(alpha, staff, anyone, kind):
    first, second, third = [add(staff, kind, alt=alt, size=(60, 40)) for alt in ("One", "Two", "Three")]
    listed = [("One", True), ("Two", False), ("Three", False)]
    assert [(one["alt"], one["lead"]) for one in shown(anyone, kind)] == listed
    moved = staff.patch(f"{kind.address}{third['id']}/", {"position": 0, "alt": "Third"}, format="json")
    assert (moved.json()["position"], moved.json()["alt"]) == (0, "Third")
    assert staff.patch(f"{kind.address}{second['id']}/", {"lead": True}, format="json").json()["lead"] is True
    now = [("Third", False), ("One", False), ("Two", True)]
    assert [(one["alt"], one["lead"]) for one in shown(anyone, kind)] == now
    assert staff.delete(f"{kind.address}{second['id']}/").status_code == 204
    assert [(one["alt"], one["lead"]) for one in shown(anyone, kind)] == [("Third", True), ("One", False)]
    with in_tenant(alpha):
        entries = AuditEntry.objects.filter(topic__startswith=kind.topic).order_by("at")
        topics = [topic.removeprefix(f"{kind.topic}.") for topic in entries.values_list("topic", flat=True)]
        assert topics == ["created", "created", "created", "updated", "updated", "deleted"]
        change = entries.filter(topic__endswith="updated").first().details
        assert (change["before"], change["after"]) == ({"alt": "Three", "position": 2}, {"alt": "Third", "position": 0})
    assert first["id"] == shown(anyone, kind)[1]["id"]


def test_files_go_with_their_row_and_with_their_owner(alpha, staff, anyone, kind):
    one, other = add(staff, kind, size=(500, 300)), add(staff, kind, size=(500, 300))
    assert staff.delete(f"{kind.address}{one['id']}/").status_code == 204
    assert anyone.get(one["url"]).status_code == 404, "gone at once, whatever is still on the disk"
    stem = one["url"].rpartition("/")[2].partition("-")[0]
    last = other["url"].rpartition("/")[2].partition("-")[0]
    with in_tenant(alpha):
        deliver_due()
    assert not [name for name in files(alpha, kind.name) if stem in name]
    assert [name for name in files(alpha, kind.name) if last in name]
    assert staff.delete(kind.owner).status_code == 204
    with in_tenant(alpha):
        deliver_due()
        assert pictures.stored_bytes() == 0
    assert not [name for name in files(alpha, kind.name) if last in name]


def test_what_is_not_public_shows_no_pictures_to_the_public(alpha, staff, anyone, kind, client_for):
    made = add(staff, kind, size=(50, 50))
    with in_tenant(alpha):
        if kind.name == "events":
            row = kind.model.objects.get().event
            row.status = "draft"
        else:
            row = kind.model.objects.get().product
            row.published = False
        row.save()
    assert anyone.get(made["url"]).status_code == 404 and anyone.get(kind.address).status_code == 404
    assert client_for(alpha, make_user()).get(made["url"]).status_code == 404
    sign_in(staff, owner_of(alpha))
    seen = staff.get(made["url"])
    assert seen.status_code == 200 and seen["Cache-Control"] == "private, no-store"


def test_other_tenants_and_made_up_names_find_nothing(alpha, beta, staff, client_for, kind):
    made = add(staff, kind, size=(50, 50))
    assert client_for(beta).get(made["url"]).status_code == 404
    folder, _, name = made["url"].rpartition("/")
    stem = name.partition("-")[0]
    for wrong in (f"{stem}-51.jpg", f"{stem}-50.png", f"{stem}-50.jpg.html", f"{'0' * 32}-50.jpg", "..%2f..%2fx", "x"):
        assert client_for(alpha).get(f"{folder}/{wrong}").status_code == 404, wrong


def test_no_more_than_twenty_fit(alpha, staff, kind):
    for _number in range(20):
        add(staff, kind, size=(10, 10))
    answer = staff.post(kind.address, {"image": picture_file(size=(10, 10)), "alt": "One more"}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_pictures")
    assert len(files(alpha, kind.name)) >= 40


@pytest.fixture
def picture_page(alpha, kind, page_for):
    """The staff's page of these pictures, and a browser without JavaScript that is signed in."""
    slug = kind.owner.rstrip("/").rpartition("/")[2]
    ending = "media" if kind.name == "events" else "images"
    return page_for(alpha, owner_of(alpha)), f"/dashboard/{kind.name}/{slug}/{ending}/"


def test_staff_add_describe_order_and_delete_pictures_without_a_mouse(alpha, kind, picture_page, anyone):
    page, path = picture_page
    assert "No pictures yet" in page.get(path).content.decode()
    for alt in ("One", "Two"):
        sent = page.post(path, {"add": "1", "image": picture_file(size=(60, 40)), "alt": alt})
        assert (sent.status_code, sent["Location"]) == (302, path)
    first, second = shown(anyone, kind)
    page.post(path, {"picture": second["id"], "up": "1", "alt": "Two"})
    page.post(path, {"picture": second["id"], "lead": "1", "alt": "Two"})
    page.post(path, {"picture": first["id"], "alt": "A better description"})
    now = [(one["alt"], one["lead"]) for one in shown(anyone, kind)]
    assert now == [("Two", True), ("A better description", False)]
    wrong = page.post(path, {"picture": first["id"], "alt": " "})
    assert wrong.status_code == 400 and "Say in a few words what the picture shows." in wrong.content.decode()
    page.post(path, {"picture": second["id"], "delete": "1"})
    assert [(one["alt"], one["lead"]) for one in shown(anyone, kind)] == [("A better description", True)]
    refused = page.post(path, {"add": "1", "image": SimpleUploadedFile("x.svg", b"<svg/>"), "alt": "Drawing"})
    assert refused.status_code == 400 and "Upload a JPEG, PNG or WebP picture." in refused.content.decode()
    for unknown in ("0", "x", "9" * 30, ""):
        assert page.post(path, {"picture": unknown, "delete": "1"}).status_code == 404
