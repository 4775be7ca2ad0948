"""Mail in a tenant's name: multipart, branded, safe against line breaks in what people typed (B8)."""

import unicodedata
from collections.abc import Mapping, Sequence
from email import encoders
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.utils import formataddr, parseaddr
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, SafeMIMEMultipart
from django.template.loader import render_to_string
from django.utils import translation

from shared_apps.core.colour import text_on
from shared_apps.core.faults import point
from shared_apps.core.personal import is_erased
from tenant_apps.notifications import mailer
from tenant_apps.notifications.models import Sender
from tenant_apps.notifications.topics import EMAIL, Recipient, Text, Topic
from tenant_apps.notifications.unsubscribing import unsubscribe_url
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant

CHANNEL = EMAIL
LONGEST_SUBJECT = 150


def header_text(text: object, longest: int = LONGEST_SUBJECT) -> str:
    """Return the text as one line for a mail header: no control or direction characters, not too long (B8)."""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in str(text))
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


class File(NamedTuple):
    """A file that goes with a mail. `content_type` may carry parameters: "text/calendar; method=PUBLISH"."""

    name: str
    content: bytes
    content_type: str


class Mail(EmailMultiAlternatives):
    """A mail whose pictures belong to its text and whose files stand beside it (RFC 2387): in one heap, programs show
    files as broken pictures or not at all."""

    pictures: Sequence[MIMEImage] = ()
    # Whose server it goes through; None: the platform's.
    own: Sender | None = None

    def _create_alternatives(self, msg: Any) -> Any:
        text = super()._create_alternatives(msg)  # type: ignore[misc]  # Django has it, the stubs do not
        if not self.pictures:
            return text
        related = SafeMIMEMultipart(_subtype="related", encoding=self.encoding or settings.DEFAULT_CHARSET)
        related.attach(text)
        for picture in self.pictures:
            related.attach(picture)
        return related


def reaches(recipient: Recipient) -> bool:
    """Tell whether there is an address. Who bought at a counter may have left none; an erased one leads nowhere."""
    return not _leads_nowhere(recipient.email)


def send(topic: Topic, recipient: Recipient, text: Text) -> None:
    """Mail the words and nothing else, with a button to where one reads on."""
    tenant = current_tenant()
    context = {"url": links.url(tenant, text.url) if text.url.startswith("/") else text.url}
    post(compose("notifications/notice", context, text=text, topic=topic, to=recipient, tenant=tenant), text)


def compose(
    template: str,
    context: Mapping[str, Any],
    *,
    tenant: Tenant,
    text: Text,
    topic: Topic,
    to: Recipient,
    images: Sequence[tuple[str, bytes]] = (),
    files: Sequence[File] = (),
) -> "Mail":
    """Build a mail from `email/<template>.txt` and `.html` below the words, in the language that is active.

    `images` are PNGs by the content id that the HTML names in `cid:` addresses. What is not fixed carries the link and
    the headers by which mail programs unsubscribe in one click (RFC 8058).
    """
    away = "" if topic.fixed else unsubscribe_url(tenant, to.email, topic)
    context = {
        "home_url": links.url(tenant, "/"),
        **context,
        "tenant": tenant,
        "on_colour": text_on(tenant.colour),
        "logo_url": links.url(tenant, f"/media/logo/{tenant.logo}") if tenant.logo else "",
        "language": translation.get_language(),
        "title": text.title,
        "paragraphs": [each for each in text.body.split("\n\n") if each.strip()],
        "words": text.body,
        "unsubscribe_url": away,
    }
    own = mailer.own_sender()
    name, address = mailer.sender_of(tenant, own)
    mail = Mail(
        subject=header_text(text.title),
        body=render_to_string(f"email/{template}.txt", context).strip() + "\n",
        from_email=formataddr((header_text(name, 80), address)),
        to=[formataddr((header_text(to.name, 80), to.email)) if to.name.strip() else to.email],
        reply_to=[own.reply_to] if own is not None and own.reply_to else None,
        headers={"Auto-Submitted": "auto-generated"},
    )
    if away:
        mail.extra_headers["List-Unsubscribe"] = f"<{away}>"
        mail.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.own = own
    mail.attach_alternative(render_to_string(f"email/{template}.html", context), "text/html")
    mail.pictures = [_picture(content_id, png) for content_id, png in images]
    for file in files:
        mail.attach(_part(file))
    return mail


def post(mail: "Mail", text: Text) -> None:
    """Send a mail. Never inside a transaction: the mail server may take its time (O3)."""
    if all(_leads_nowhere(parseaddr(address)[1]) for address in mail.to):
        return
    # The same id for every try, so that a mail server or program that has it already can drop the second.
    mail.extra_headers["Message-ID"] = f"<{text.key}@{settings.PLATFORM_DOMAIN}>"
    point("mail.before_send")
    mailer.hand_over(mail, mail.own)
    point("mail.sent")


def _picture(content_id: str, png: bytes) -> MIMEImage:
    image = MIMEImage(png, "png")
    image.add_header("Content-ID", f"<{content_id}>")
    image.add_header("Content-Disposition", "inline", filename=f"{content_id.partition('@')[0]}.png")
    return image


def _part(file: File) -> MIMEBase:
    """The file byte for byte: a calendar's line ends are part of it."""
    kind, _separator, parameters = file.content_type.partition(";")
    part = MIMEBase(*kind.strip().split("/", 1))
    for each in filter(None, parameters.split(";")):
        name, _equals, value = each.strip().partition("=")
        part.set_param(name, value)
    part.set_payload(file.content)
    encoders.encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=file.name)
    return part


def _leads_nowhere(address: str) -> bool:
    return not address or is_erased(address)
