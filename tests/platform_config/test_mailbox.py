"""The development mailbox shows mail as people see it, and is not there anywhere else."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import override_settings


@pytest.fixture
def box(db: None, tmp_path: Path, settings: Any) -> Path:
    settings.EMAIL_BACKEND = "platform_config.mail.EmlFileBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return tmp_path / "mail"


def write(subject: str = "Your tickets", html: str = "", picture: bytes = b"", to: str = "ada@example.test") -> None:
    from email.mime.image import MIMEImage

    mail = EmailMultiAlternatives(subject, "Open http://alpha.localhost/orders/X/", to=[to])
    if html:
        mail.attach_alternative(html, "text/html")
    if picture:
        image = MIMEImage(picture, "png")
        image.add_header("Content-ID", "<one@test>")
        image.add_header("Content-Disposition", "inline", filename="one.png")
        mail.mixed_subtype = "related"
        mail.attach(image)
    mail.send()


def addresses(page: str) -> list[str]:
    return re.findall(r'href="(/dev/mailbox/\d+-\d+/)"', page)


def test_mails_are_listed_newest_first_and_found_by_recipient(box, page_for):
    write("First", to="ada@example.test")
    write("Second", to="bob@example.test")
    page = page_for().get("/dev/mailbox/").content.decode()
    assert page.index("Second") < page.index("First")
    found = page_for().get("/dev/mailbox/?q=ada@").content.decode()
    assert "First" in found
    assert "Second" not in found


def test_a_mail_shows_its_text_with_links_that_can_be_clicked(box, page_for):
    write()
    client = page_for()
    (address,) = addresses(client.get("/dev/mailbox/").content.decode())
    page = client.get(address).content.decode()
    assert '<a href="http://alpha.localhost/orders/X/"' in page
    assert "ada@example.test" in page


def test_html_is_shown_in_a_sandbox_with_its_pictures_and_no_scripts(box, page_for):
    write(html='<html><head></head><body><img src="cid:one@test"><script>x()</script></body></html>', picture=b"png")
    client = page_for()
    (address,) = addresses(client.get("/dev/mailbox/").content.decode())
    frame = re.search(r"<iframe[^>]*>", client.get(address).content.decode()).group()
    assert f'src="{address}html/"' in frame
    assert "allow-scripts" not in frame
    assert "allow-same-origin" not in frame
    answer = client.get(f"{address}html/")
    assert "data:image/png;base64,cG5n" in answer.content.decode()
    assert answer["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_an_attachment_is_a_download(box, page_for):
    write(html="<p>x</p>", picture=b"png")
    client = page_for()
    (address,) = addresses(client.get("/dev/mailbox/").content.decode())
    part = re.search(rf'href="({address}parts/\d+/)"', client.get(address).content.decode()).group(1)
    answer = client.get(part)
    assert answer.content == b"png"
    assert answer["Content-Disposition"] == 'attachment; filename="one.png"'
    assert client.get(f"{address}parts/99/").status_code == 404


@pytest.mark.parametrize("path", ["1-1/", "..%2f..%2fetc%2fpasswd/", "x/", "1-1/html/", "1-1/parts/0/"])
def test_what_is_no_mail_is_not_found(box, page_for, path):
    write()
    assert page_for().get(f"/dev/mailbox/{path}").status_code == 404


def test_an_empty_mailbox_says_how_to_fill_it(box, page_for):
    assert "No mail yet" in page_for().get("/dev/mailbox/").content.decode()


def test_production_and_tenants_have_no_mailbox(box, alpha, page_for):
    write()
    assert page_for(alpha).get("/dev/mailbox/").status_code == 404
    with override_settings(DEVELOPMENT=False):
        assert page_for().get("/dev/mailbox/").status_code == 404
