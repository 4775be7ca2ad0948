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
from django.utils.timezone import now

from shared_apps.core.colour import text_on
from shared_apps.core.faults import point
from shared_apps.core.personal import is_erased
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.models import Delivery
from tenants.models import Tenant

CHANNEL = "email"
# To whom the goods are ordered from: beside the buyer's mail, a second one may follow from the same message.
PARTNER = "partner"
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

    def _create_alternatives(self, msg: Any) -> Any:
        text = super()._create_alternatives(msg)  # type: ignore[misc]  # Django has it, the stubs do not
        if not self.pictures:
            return text
        related = SafeMIMEMultipart(_subtype="related", encoding=self.encoding or settings.DEFAULT_CHARSET)
        related.attach(text)
        for picture in self.pictures:
            related.attach(picture)
        return related


def compose(
    template: str,
    context: Mapping[str, Any],
    *,
    tenant: Tenant,
    subject: object,
    to: str,
    to_name: str = "",
    images: Sequence[tuple[str, bytes]] = (),
    files: Sequence[File] = (),
) -> EmailMultiAlternatives:
    """Build a mail from `email/<template>.txt` and `.html` in the language that is active.

    `images` are PNGs by the content id that the HTML names in `cid:` addresses.
    """
    context = {
        **context,
        "tenant": tenant,
        "on_colour": text_on(tenant.colour),
        "language": translation.get_language(),
    }
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    mail = Mail(
        subject=header_text(subject),
        body=render_to_string(f"email/{template}.txt", context).strip() + "\n",
        from_email=formataddr((header_text(tenant.name, 80), sender)),
        to=[formataddr((header_text(to_name, 80), to)) if to_name.strip() else to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"email/{template}.html", context), "text/html")
    mail.pictures = [_picture(content_id, png) for content_id, png in images]
    for file in files:
        mail.attach(_part(file))
    return mail


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


def send_once(message: OutboxMessage, mail: EmailMultiAlternatives, channel: str = CHANNEL) -> bool:
    """Send the mail that follows from an outbox message unless that was done already; return whether it was sent.

    Never inside a transaction: the mail server may take its time (O3).
    """
    delivery, _ = Delivery.objects.get_or_create(
        message_id=message.id, channel=channel, defaults={"topic": message.topic}
    )
    if delivery.sent_at is not None:
        return False
    # The same id for every try, so that a mail server or program that has it already can drop the second.
    mail.extra_headers["Message-ID"] = f"<{message.id}.{channel}@{settings.PLATFORM_DOMAIN}>"
    point("mail.before_send")
    # Who bought at a counter may have left no address.
    if not all(_leads_nowhere(parseaddr(address)[1]) for address in mail.to):
        mail.send()
    point("mail.sent")
    Delivery.objects.filter(pk=delivery.pk).update(sent_at=now())
    point("mail.recorded")
    return True


def was_sent(message: OutboxMessage, channel: str = CHANNEL) -> bool:
    """True if nothing is left to do, so that the mail need not even be built."""
    return Delivery.objects.filter(message_id=message.id, channel=channel, sent_at__isnull=False).exists()


def _leads_nowhere(address: str) -> bool:
    return not address or is_erased(address)
