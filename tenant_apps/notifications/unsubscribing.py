"""No more mail of a kind: the link in each mail, and what mail programs do with it in one click (RFC 8058).

The link is signed for one address, one topic and one tenant. It opens without login, for guests too, and can do
nothing but this.
"""

from typing import NamedTuple

from django.core import signing

from tenant_apps.notifications.models import Suppression
from tenant_apps.notifications.topics import Topic, find
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant


class Link(NamedTuple):
    """What a link stands for."""

    address: str
    topic: Topic


def unsubscribe_url(tenant: Tenant, address: str, topic: Topic) -> str:
    """Return the link by which that address gets no more mail of the topic from the tenant."""
    token = signing.dumps([address.strip().lower(), topic.wished_as], salt=_salt(tenant), compress=False)
    return links.url(tenant, f"/unsubscribe/{token}/")


def read_link(token: str) -> Link | None:
    """Return what a link of the present tenant stands for; None if it is not ours, or of nothing one could refuse."""
    try:
        address, name = signing.loads(token, salt=_salt(current_tenant()))
    except (signing.BadSignature, ValueError, TypeError):
        return None
    topic = find(name)
    return None if topic is None or topic.fixed else Link(address, topic)


def unsubscribe(link: Link) -> None:
    """Send that address no more mail of the topic. Twice is once."""
    Suppression.objects.bulk_create(
        [Suppression(address=link.address, topic=link.topic.wished_as)], ignore_conflicts=True
    )


def subscribe_again(link: Link) -> None:
    """Take that back."""
    Suppression.objects.filter(address=link.address, topic=link.topic.wished_as).delete()


def is_unsubscribed(link: Link) -> bool:
    """Tell whether that address has asked for no more of it."""
    return Suppression.objects.filter(address=link.address, topic=link.topic.wished_as).exists()


def _salt(tenant: Tenant) -> str:
    # A link of one tenant means nothing at another (N2).
    return f"foyer.unsubscribe.{tenant.schema_name}"
