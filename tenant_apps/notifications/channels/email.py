"""Mail in a tenant's name: multipart, branded, safe against line breaks in what people typed (B8)."""

import unicodedata
from collections.abc import Mapping, Sequence
from email.mime.image import MIMEImage
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
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


def compose(
    template: str,
    context: Mapping[str, Any],
    *,
    tenant: Tenant,
    subject: object,
    to: str,
    to_name: str = "",
    images: Sequence[tuple[str, bytes]] = (),
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
    mail = EmailMultiAlternatives(
        subject=header_text(subject),
        body=render_to_string(f"email/{template}.txt", context).strip() + "\n",
        from_email=formataddr((header_text(tenant.name, 80), sender)),
        to=[formataddr((header_text(to_name, 80), to)) if to_name.strip() else to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"email/{template}.html", context), "text/html")
    if images:
        mail.mixed_subtype = "related"  # type: ignore[attr-defined]  # Django has it, the stubs do not
    for content_id, png in images:
        image = MIMEImage(png, "png")
        image.add_header("Content-ID", f"<{content_id}>")
        image.add_header("Content-Disposition", "inline", filename=f"{content_id.partition('@')[0]}.png")
        mail.attach(image)
    return mail


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
