"""Takes the pictures of the guides from a running demo: `.venv/bin/python docs/guides/take_pictures.py`.

Needs `make run` in another terminal (PORT says where), the development packages (`make test` installs them) and
Debian's `chromium`. Each run orders one ticket and one order by bank transfer in the demo tenant aurora.
"""

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HOST = f"http://aurora.localhost:{os.environ.get('PORT') or '8000'}"
PASSWORD = "foyer-demo-pass"  # noqa: S105  (the demo's, on development servers only)
FOLDER = Path(__file__).parent / "images"
LARGEST = 120_000  # bytes
DESKTOP, PHONE = (1280, 860), (390, 844)
FREE_EVENT, PAID_EVENT = "hall-tour-behind-the-organ", "the-four-seasons-twice"


def main() -> int:
    chromium = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if chromium is None:
        sys.stderr.write("Chromium is not installed (Debian: apt install chromium).\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            ticket_code = buy(browser)
            sell(browser)
            admit(browser, ticket_code)
        finally:
            browser.close()
    return 0


def buy(browser: Any) -> str:
    """A buyer's way on a phone, to a ticket; returns the code in its QR."""
    with a_page(browser, PHONE) as page:
        page.goto(f"{HOST}/events/{FREE_EVENT}/")
        take(page, "storefront-event")
        page.get_by_role("button", name="Get tickets").click()
        page.get_by_label("Email").fill("ada@example.test")
        page.get_by_label("Name", exact=False).first.fill("Ada Lovelace")
        page.get_by_role("button", name="Place the order").click()
        page.get_by_role("link", name="See your ticket").click()
        page.get_by_role("heading", name="You are going").wait_for()
        page.locator(".pass").first.scroll_into_view_if_needed()
        take(page, "ticket")
        _, code, secret = page.url.partition("#")[0].strip("/").rsplit("/", 2)
        order = ask(page, f"/api/v1/orders/{code}/", {"headers": {"X-Order-Secret": secret}})
        return str(order["tickets"][0]["code"])


def sell(browser: Any) -> None:
    """An order by bank transfer, then the organizer's pages, where it waits for its money."""
    with a_page(browser, DESKTOP) as page:
        page.goto(f"{HOST}/events/")
        event = ask(page, f"/api/v1/events/{PAID_EVENT}/", {})
        wanted = {
            "email": f"{os.urandom(3).hex()}@example.test",
            "name": "Grace Hopper",
            "lines": [{"ticket_type": event["ticket_types"][0]["id"], "quantity": 2}],
            "provider": "manual",
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": os.urandom(8).hex()}
        order = ask(page, "/api/v1/orders/", {"method": "POST", "headers": headers, "body": json.dumps(wanted)})
        sign_in(page, "owner@aurora.test")
        page.goto(f"{HOST}/dashboard/")
        take(page, "dashboard")
        page.goto(f"{HOST}/dashboard/events/{PAID_EVENT}/")
        take(page, "event-numbers")
        page.goto(f"{HOST}/dashboard/orders/{order['code']}/")
        take(page, "order")
        page.goto(f"{HOST}/dashboard/new-event/")
        page.get_by_label("Title").fill("Summer concert")
        page.get_by_label("In one sentence").fill("One evening on the lawn behind the hall.")
        page.locator("[name=starts_at]").fill("2027-07-01T20:00")
        page.locator("[name=venue_name]").fill("Aurora Garden")
        for row, values in enumerate((("Lawn", "12.50", "200"), ("Children", "0", "50"))):
            for name, value in zip(("name", "price", "capacity"), values, strict=True):
                page.locator(f"[name=types-{row}-{name}]").fill(value)
        page.locator("#tickets").scroll_into_view_if_needed()
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(300)
        take(page, "event-form")
        page.goto(f"{HOST}/api/docs/")
        page.locator(".opblock").first.wait_for()
        take(page, "api-docs")


def admit(browser: Any, ticket_code: str) -> None:
    """The door, on a phone: the first scan is green, the second is red."""
    with a_page(browser, PHONE) as page:
        sign_in(page, "door@aurora.test")
        page.goto(f"{HOST}/scan/")
        page.get_by_role("link", name="Behind the Organ").first.click()
        for word, name in (("Admit", "door-green"), ("Refuse", "door-red")):
            page.get_by_label("Ticket code").fill(ticket_code)
            page.keyboard.press("Enter")
            page.get_by_text(word, exact=True).wait_for()
            take(page, name)


@contextmanager
def a_page(browser: Any, size: tuple[int, int]) -> Iterator[Any]:
    """A page of a fresh browser, light and without motion."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="en-GB", color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def ask(page: Any, path: str, options: dict[str, Any]) -> Any:
    """Call the API from the page: the browser resolves *.localhost by itself, Python does not everywhere."""
    return page.evaluate("([path, options]) => fetch(path, options).then(answer => answer.json())", [path, options])


def sign_in(page: Any, email: str) -> None:
    page.goto(f"{HOST}/account/login/")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name="Log in").click()


def take(page: Any, name: str) -> None:
    """Keep what the window shows, with as many colours as the size allows."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32, 16):
        kept = io.BytesIO()
        shot.quantize(colours, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        if kept.tell() < LARGEST:
            break
    (FOLDER / f"{name}.png").write_bytes(kept.getvalue())
    sys.stdout.write(f"{name}.png  {kept.tell() // 1000} kB, {colours} colours\n")


if __name__ == "__main__":
    sys.exit(main())
