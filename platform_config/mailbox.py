"""The development mailbox: what would have been mailed, as people would see it. Not there in production (404)."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.clickjacking import xframe_options_sameorigin

from shared_apps.core.access import anyone

NAME = re.compile(r"[0-9]{1,25}-[0-9]{1,10}")
SHOWN = 200
# The mail's own page: no scripts, nothing fetched from anywhere, and a sandbox even if it is opened by itself.
_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline';"
    " img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail that is not its text. `content_id` is set for pictures that the text shows."""

    number: int
    name: str
    content_type: str
    size: int
    content_id: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, read from its file."""

    id: str
    subject: str
    sender: str
    recipients: str
    sent_at: datetime | None
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]


def _development_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEVELOPMENT or _folder() is None:
            raise Http404
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    return guarded


@anyone
@_development_only
def mailbox(request: HttpRequest) -> HttpResponse:
    """The newest mails, newest first; `?q=` looks in recipients and subjects."""
    wanted = request.GET.get("q", "").strip().lower()[:100]
    mails = []
    for file in _files():
        mail = _read(file)
        if not wanted or wanted in mail.subject.lower() or wanted in mail.recipients.lower():
            mails.append(mail)
        if len(mails) == SHOWN:
            break
    return render(request, "public/dev/mailbox.html", {"mails": mails, "query": wanted})


@anyone
@_development_only
def message(request: HttpRequest, name: str) -> HttpResponse:
    """One mail with its parts."""
    return render(request, "public/dev/mailbox_message.html", {"mail": _read(_file(name))})


@anyone
@_development_only
@xframe_options_sameorigin
def message_html(request: HttpRequest, name: str) -> HttpResponse:
    """The mail's HTML by itself, for the sandboxed frame; its pictures are put in as data."""
    file = _file(name)
    mail = _read(file)
    if not mail.html:
        raise Http404
    html = mail.html
    for attachment in mail.attachments:
        if attachment.content_id:
            part = base64.b64encode(_content(file, attachment.number)).decode()
            html = html.replace(f"cid:{attachment.content_id}", f"data:{attachment.content_type};base64,{part}")
    html = re.sub(r"(<head[^>]*>)", r'\1<base target="_blank">', html, count=1, flags=re.IGNORECASE)
    response = HttpResponse(html)
    response["Content-Security-Policy"] = _POLICY
    return response


@anyone
@_development_only
def attachment(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One attachment, always as a download."""
    file = _file(name)
    found = next((one for one in _read(file).attachments if one.number == number), None)
    if found is None:
        raise Http404
    response = HttpResponse(_content(file, number), content_type="application/octet-stream")
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", found.name)
    response["Content-Disposition"] = f'attachment; filename="{safe}"'
    return response


def _folder() -> Path | None:
    """Where mail is written; None if it is sent."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    return Path(folder) if folder else None


def _files() -> Iterator[Path]:
    folder = _folder()
    if folder is None or not folder.is_dir():
        return iter(())
    # The name begins with nanoseconds since 1970: sorting by name is sorting by time.
    return iter(sorted(folder.glob("*.eml"), key=lambda file: file.name, reverse=True))


def _file(name: str) -> Path:
    folder = _folder()
    if folder is None or not NAME.fullmatch(name) or not (folder / f"{name}.eml").is_file():
        raise Http404
    return folder / f"{name}.eml"


def _parse(file: Path) -> EmailMessage:
    parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _read(file: Path) -> Mail:
    parsed = _parse(file)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    try:
        sent_at = parsedate_to_datetime(str(parsed["date"])) if parsed["date"] else None
    except ValueError:
        sent_at = None
    attachments = tuple(
        Attachment(
            number=number,
            name=part.get_filename() or f"part-{number}",
            content_type=part.get_content_type(),
            size=len(part.get_payload(decode=True) or b""),
            content_id=str(part.get("content-id", "")).strip("<> "),
        )
        for number, part in enumerate(parsed.walk())
        if not part.is_multipart() and part.get_content_disposition() in ("attachment", "inline")
    )
    return Mail(
        id=file.stem,
        subject=str(parsed.get("subject", "")),
        sender=str(parsed.get("from", "")),
        recipients=str(parsed.get("to", "")),
        sent_at=sent_at,
        text=text.get_content() if text is not None else "",
        html=html.get_content() if html is not None else "",
        attachments=attachments,
        headers=tuple((name, str(value)) for name, value in parsed.items()),
    )


def _content(file: Path, number: int) -> bytes:
    part = list(_parse(file).walk())[number]
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


urlpatterns = [
    path("dev/mailbox/", mailbox, name="mailbox"),
    path("dev/mailbox/<str:name>/", message, name="mailbox-message"),
    path("dev/mailbox/<str:name>/html/", message_html, name="mailbox-html"),
    path("dev/mailbox/<str:name>/parts/<int:number>/", attachment, name="mailbox-attachment"),
]
