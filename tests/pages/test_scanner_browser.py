"""The scanner in a real browser: it reads tickets from a camera, goes on without network, and tells afterwards."""

import os
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image, ImageFilter

from tenant_apps.ticketing import codes, qr
from tenant_apps.ticketing.models import CheckIn, CheckInList, OfflineScan, Ticket, TicketType
from tenants.context import in_tenant
from tests.conftest import CHROMIUM
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("FOYER_SCREENSHOTS", "")
# What a device without network writes to the console by itself.
WITHOUT_NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "net::ERR")


def video(path: Path, texts, seconds=3, side=480):
    """Write a film in which codes are held up one after another, a little turned and not quite sharp (YUV4MPEG2)."""
    fps, frames = 10, []
    for place, text in enumerate(texts):
        rows = qr.modules(text)
        code = Image.new("L", (len(rows) + 8, len(rows) + 8), 255)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    code.putpixel((x + 4, y + 4), 0)
        code = code.resize((330, 330), Image.Resampling.NEAREST).rotate(4 + 3 * place, expand=True, fillcolor=190)
        picture = Image.new("L", (640, side), 190)
        picture.paste(code, ((640 - code.width) // 2, (side - code.height) // 2))
        luma = picture.filter(ImageFilter.GaussianBlur(0.7)).tobytes()
        frames += [luma] * (fps * seconds)
    grey = b"\x80" * (640 * side // 4)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W640 H{side} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for luma in frames:
            film.write(b"FRAME\n" + luma + grey + grey)
    return path


@pytest.fixture
def evening(alpha):
    """An event with fourteen tickets sold, its entrance, and a person at the door."""
    from tenant_apps.staff import services as staff
    from tenant_apps.ticketing.services import ensure_door

    person = make_user("nova@example.test", name="Nova Door")
    with in_tenant(alpha):
        staff.add_member(person, staff.preset_role("door"), actor=None)
        event = make_event("Night of Strings")
        kind = make_ticket_type(event, price_minor=0, name="Standard")
        ensure_door(event)
        tickets = []
        for _order in range(7):
            order = make_paid_order(kind, quantity=2)
            tickets += [line.ticket for line in order.lines.select_related("ticket").order_by("pk")]
        for number, ticket in enumerate(tickets):
            ticket.holder_name = f"Guest{number} Lovelace"
            ticket.save(update_fields=["holder_name"])
        texts = codes.code_texts(tickets)
        door = CheckInList.objects.get(event=event)
        return person, door, tickets, [texts[ticket.pk] for ticket in tickets]


@pytest.fixture(params=[390, 1280], ids=["phone", "desktop"])
def device(request, site, tmp_path):
    """Makes browsers of their own whose camera shows a film: `device(chromium.browser_type, film)` gives a context."""
    made = []

    def make(playwright_browser_type, film, **options):
        browser = playwright_browser_type.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream",
                  "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"],
        )  # fmt: skip
        made.append(browser)
        context = browser.new_context(
            viewport={"width": request.param, "height": 844 if request.param == 390 else 900},
            permissions=["camera"],
            **{"locale": "en-GB", **options},
        )
        context.set_default_timeout(20_000)
        context.width, context.problems = request.param, []
        context.on("weberror", lambda error: context.problems.append(str(error.error)))
        context.on("console", lambda said: context.problems.append(said.text) if said.type == "error" else None)
        return context

    yield make
    for browser in made:
        browser.close()


def look(page, context, name):
    """What axe finds in either theme, and whether the page is wider than the screen."""
    found = []
    page.evaluate(AXE)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [(theme, name, *each) for each in page.evaluate(RUN_AXE)]
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{theme}-{context.width}.png", full_page=True)
    if page.evaluate("document.documentElement.scrollWidth") > context.width:
        found.append((name, "too wide"))
    page.emulate_media(color_scheme="light")
    return found


def answered(page, how, *words):
    """Wait for the verdict; it is one of yes, no, ask."""
    verdict = page.locator(f'#verdict[data-look="{how}"]:visible')
    verdict.wait_for()
    for word in words:
        assert word in verdict.inner_text(), verdict.inner_text()


def typed(page, text, how, *words):
    """Type the code as a hardware scanner does, wherever the focus is, and wait for the answer."""
    page.evaluate("document.activeElement?.blur(); document.getElementById('verdict').hidden = true")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    answered(page, how, *words)


def ready(page, site, tenant, door):
    """Open the scanner and the list, and wait until the list is on the device and the worker serves the page."""
    page.goto(site.url(tenant, "/scan/"))
    page.locator("body[data-ready]").wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.locator(f'a[data-list="{door.pk}"]').click()
    page.get_by_text("List for work without network:").wait_for()


def cut(context, page):
    context.set_offline(True)
    page.locator('body[data-online="false"]').wait_for()


def real(problems):
    return [each for each in problems if not any(known in each for known in WITHOUT_NETWORK)]


def test_a_door_without_network_goes_on_and_tells_afterwards(alpha, site, chromium, device, evening, tmp_path):
    person, door, tickets, texts = evening
    forged = texts[1][:-8] + ("AAAAAAAA" if not texts[1].endswith("AAAAAAAA") else "BBBBBBBB")
    film = video(tmp_path / "door.y4m", [texts[0]])
    context = device(chromium.browser_type, film)
    signed_in(context, site, alpha, person)
    page = context.new_page()
    ready(page, site, alpha, door)
    found = look(page, context, "scanner-ready")
    page.get_by_role("button", name="Start the camera").click()
    answered(page, "yes", "Admit", "Guest0 Lovelace", "Standard")
    found += look(page, context, "scanner-admitted")
    with in_tenant(alpha):
        assert CheckIn.objects.standing().get().ticket_id == tickets[0].pk, "the database admitted it, at once"

    # Ten more are let in without network; what was used before and what nobody signed are not.
    cut(context, page)
    for text in texts[1:11]:
        typed(page, text, "yes", "Admit", "Decided without network")
    found += look(page, context, "scanner-alone")
    typed(page, texts[0], "no", "used already")
    typed(page, texts[5], "no", "used already")
    typed(page, forged, "no", "no ticket of ours")
    found += look(page, context, "scanner-refused")
    assert page.locator("body").get_attribute("data-waiting") == "13"
    with in_tenant(alpha):
        assert CheckIn.objects.count() == 1, "nothing of it has reached the server yet"
        # Meanwhile somebody else let one of the ten in.
        from tenant_apps.ticketing.scanning import scan

        assert scan(door, texts[4], "the-other-gate", by=None).admitted

    # A page that is loaded anew without network is there, and knows what it knew.
    page.reload()
    page.locator("body[data-ready]").wait_for()
    typed(page, texts[7], "no", "used already")

    context.set_offline(False)
    page.locator('body[data-online="true"][data-waiting="0"]').wait_for()
    page.get_by_role("heading", name="Contradictions").wait_for()
    assert page.locator("#report-rows li").count() == 1
    assert "Let in, though the ticket does not admit" in page.locator("#report-rows").inner_text()
    page.evaluate("document.getElementById('verdict').hidden = true")
    found += look(page, context, "scanner-report")
    with in_tenant(alpha):
        admitted = set(CheckIn.objects.standing().values_list("ticket_id", flat=True))
        assert admitted == {ticket.pk for ticket in tickets[:11]}, "the server has all of them, each once"
        late = OfflineScan.objects.all()
        assert (
            late.count(),
            late.filter(check_in__decided_offline="admitted").count(),
            late.exclude(conflict="").count(),
        ) == (14, 10, 1)
        assert late.exclude(conflict="").get().check_in.ticket_id == tickets[4].pk
    page.goto(site.url(alpha, "/dashboard/scan-conflicts/"))
    assert page.get_by_text("Guest4 Lovelace").count() == 1
    found += look(page, context, "scan-conflicts")
    assert found == []
    assert real(context.problems) == []


def test_the_vendored_reader_and_signatures_work_where_a_browser_has_none(
    alpha, site, chromium, device, evening, tmp_path
):
    """A browser without BarcodeDetector and without Ed25519 of its own reads the film and refuses the forgery alike."""
    person, door, _tickets, texts = evening
    context = device(chromium.browser_type, video(tmp_path / "door.y4m", [texts[2]]))
    context.add_init_script(
        "delete globalThis.BarcodeDetector; if (crypto.subtle) {"
        "const real = crypto.subtle.importKey.bind(crypto.subtle);"
        "crypto.subtle.importKey = (form, key, how, ...rest) => how === 'Ed25519'"
        " ? Promise.reject(new DOMException('', 'NotSupportedError')) : real(form, key, how, ...rest); }"
    )
    signed_in(context, site, alpha, person)
    page = context.new_page()
    ready(page, site, alpha, door)
    cut(context, page)
    page.get_by_role("button", name="Start the camera").click()
    answered(page, "yes", "Admit", "Guest2 L.", "Decided without network")
    assert page.locator("body").get_attribute("data-camera") == "library"
    forged = texts[3][:-2] + ("AA" if texts[3][-2:] != "AA" else "BB")
    typed(page, forged, "no", "no ticket of ours")
    context.set_offline(False)
    page.locator('body[data-online="true"][data-waiting="0"]').wait_for()
    assert real(context.problems) == []


KEPT = """async () => {
  const database = await new Promise((resolve) => {
    const asked = indexedDB.open("foyer-scan");
    asked.onsuccess = () => resolve(asked.result); });
  const count = (name) => new Promise((resolve) => {
    const asked = database.transaction([name]).objectStore(name).count();
    asked.onsuccess = () => resolve(asked.result); });
  const told = database.objectStoreNames.length ? [await count("tickets"), await count("waiting")] : [0, 0];
  database.close();
  return told;
}"""


def test_the_list_leaves_the_device_with_the_person_and_with_the_right(
    alpha, site, chromium, device, evening, tmp_path
):
    from tenant_apps.staff.models import Membership

    person, door, _tickets, texts = evening
    context = device(chromium.browser_type, video(tmp_path / "door.y4m", ["nothing"]), locale="ru-RU")
    signed_in(context, site, alpha, person)
    context.add_cookies([{"name": "language", "value": "ru", "url": site.url(alpha, "/")}])
    page = context.new_page()
    page.goto(site.url(alpha, "/scan/"))
    page.locator("body[data-ready]").wait_for()
    page.locator(f'a[data-list="{door.pk}"]').click()
    page.get_by_text("Список для работы без сети:").wait_for()
    assert page.evaluate(KEPT) == [14, 0]
    found = look(page, context, "scanner-ready-ru")
    cut(context, page)
    typed(page, texts[3], "yes", "Пропустить")
    found += look(page, context, "scanner-alone-ru")
    with in_tenant(alpha):
        Membership.objects.filter(user_id=person.pk).delete()
    context.set_offline(False)
    page.locator("#lists-trouble:visible").wait_for()
    assert page.evaluate(KEPT) == [0, 1], "no name is left; the scan waits for somebody who may send it"
    found += look(page, context, "scanner-gone-ru")
    with in_tenant(alpha):
        from tenant_apps.staff import services as staff

        staff.add_member(person, staff.preset_role("door"), actor=None)
    page.reload()
    page.locator("body[data-ready]").wait_for()
    page.locator('body[data-waiting="0"]').wait_for()
    assert page.evaluate(KEPT) == [0, 0]
    with in_tenant(alpha):
        assert CheckIn.objects.standing().count() == 1
    page.get_by_role("button", name="Выйти").first.click()
    page.wait_for_url("**/account/login/**")
    assert page.evaluate("indexedDB.databases().then((all) => all.map((each) => each.name))") == []
    assert page.evaluate("caches.keys()") == []
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    assert found == []
    assert [each for each in real(context.problems) if "40" not in each] == []


def test_a_wrong_clock_is_noticed_and_corrected(alpha, site, chromium, device, evening, tmp_path):
    person, door, _tickets, texts = evening
    context = device(chromium.browser_type, video(tmp_path / "door.y4m", ["nothing"]))
    signed_in(context, site, alpha, person)
    context.add_init_script("const real = Date.now; Date.now = () => real() + 65 * 60_000;")
    page = context.new_page()
    ready(page, site, alpha, door)
    page.get_by_text("The clock of this device is 65 min ahead.").wait_for()
    found = look(page, context, "scanner-clock")
    cut(context, page)
    typed(page, texts[6], "yes", "Admit")
    context.set_offline(False)
    page.locator('body[data-online="true"][data-waiting="0"]').wait_for()
    with in_tenant(alpha):
        told = OfflineScan.objects.select_related("check_in").get()
        assert 3880 < told.clock_ahead < 3920
        assert abs((told.check_in.scanned_at - timezone.now()).total_seconds()) < 90
    assert found == []


def test_what_ended_is_refused_without_network_from_the_next_sync_on(alpha, site, chromium, device, evening, tmp_path):
    person, door, tickets, texts = evening
    with in_tenant(alpha):
        new = make_paid_order(tickets[0].ticket_type)
        stranger = codes.code_text(new.lines.select_related("ticket").get().ticket)
        Ticket.objects.filter(pk=new.lines.get().ticket_id).update(token=uuid.uuid4())
    context = device(chromium.browser_type, video(tmp_path / "door.y4m", ["nothing"]))
    signed_in(context, site, alpha, person)
    page = context.new_page()
    ready(page, site, alpha, door)
    with in_tenant(alpha):
        for ticket, status in zip(tickets, ("revoked", "transferred", "refunded", "cancelled"), strict=False):
            Ticket.objects.filter(pk=ticket.pk).update(status=status, modified_at=timezone.now())
    with page.expect_response(lambda answer: "modified_since" in answer.url):
        page.get_by_role("button", name="Synchronize now").click()
    page.wait_for_timeout(500)
    cut(context, page)
    for text, word in zip(texts, ("withdrawn", "passed on", "refunded", "cancelled"), strict=False):
        typed(page, text, "no", word)
    typed(page, stranger, "ask", "Ask", "not in the list of this device")
    assert look(page, context, "scanner-ask") == []
    context.set_offline(False)
    page.locator('body[data-online="true"][data-waiting="0"]').wait_for()
    with in_tenant(alpha):
        assert not CheckIn.objects.admissions().exists()


def test_whoever_logs_out_in_the_dashboard_leaves_no_list_behind(alpha, site, chromium, device, evening, tmp_path):
    person, door, _tickets, texts = evening
    context = device(chromium.browser_type, video(tmp_path / "door.y4m", ["nothing"]))
    signed_in(context, site, alpha, person)
    page = context.new_page()
    ready(page, site, alpha, door)
    cut(context, page)
    typed(page, texts[3], "yes", "Admit")
    desk = context.new_page()
    page.close()
    context.set_offline(False)
    desk.goto(site.url(alpha, "/dashboard/"))
    assert desk.evaluate(KEPT) == [14, 1]
    desk.get_by_label("Your account").click()
    desk.get_by_role("button", name="Log out").click()
    desk.wait_for_url(lambda url: "/dashboard/" not in url)
    assert desk.evaluate(KEPT) == [0, 1], "the scan that waits names nobody, and waits on"
    assert desk.evaluate("caches.keys()") == []


def test_the_rules_of_an_entrance_hold_without_network(alpha, site, chromium, device, evening, tmp_path):
    person, door, tickets, texts = evening
    with in_tenant(alpha):
        CheckInList.objects.filter(pk=door.pk).update(entries="once", directions="in")
        Ticket.objects.filter(pk=tickets[1].pk).update(valid_until=timezone.now() - timedelta(hours=1))
        Ticket.objects.filter(pk=tickets[2].pk).update(valid_from=timezone.now() + timedelta(hours=1))
        TicketType.objects.update(door_note="Check the student card")
    context = device(chromium.browser_type, video(tmp_path / "door.y4m", ["nothing"]))
    signed_in(context, site, alpha, person)
    page = context.new_page()
    ready(page, site, alpha, door)
    cut(context, page)
    typed(page, texts[0], "yes", "Admit", "Check the student card")
    typed(page, texts[0], "no", "used already")
    typed(page, texts[1], "no", "no longer valid")
    typed(page, texts[2], "no", "not valid yet")
    page.get_by_label("Going out").check()
    typed(page, texts[0], "no", "Nobody goes this way")
    context.set_offline(False)
    page.locator('body[data-online="true"][data-waiting="0"]').wait_for()
    with in_tenant(alpha):
        CheckInList.objects.filter(pk=door.pk).update(opens_at=timezone.now() + timedelta(hours=2))
    with page.expect_response(lambda answer: "/status/" in answer.url):
        page.get_by_role("button", name="Synchronize now").click()
    cut(context, page)
    page.get_by_label("Coming in").check()
    typed(page, texts[4], "no", "not valid yet")
    context.set_offline(False)
    page.locator('body[data-online="true"][data-waiting="0"]').wait_for()
    with in_tenant(alpha):
        assert CheckIn.objects.standing().count() == 1
        assert not OfflineScan.objects.exclude(conflict="").exists(), "the server says the same of each"
