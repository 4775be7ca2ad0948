"""What waits for somebody: each line says how many and leads to the place where it is dealt with."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import Dispute, Payment
from tenant_apps.payments.services import BY_HAND
from tenant_apps.reports.queries import Numbers
from tenant_apps.reviews.models import Review
from tenant_apps.ticketing.models import OfflineScan, TicketType


class Todo(NamedTuple):
    """One thing to do: an icon, a sentence, where."""

    icon: str
    text: str
    url: str


def things_to_do(rights: frozenset[str], events: Any, numbers: dict[int, Numbers]) -> list[Todo]:
    """Return what the person could deal with now, by their rights; at most six statements."""
    now, found = timezone.now(), []
    if "change_orders" in rights:
        waiting = Payment.objects.filter(provider__in=BY_HAND, status="pending", order=OuterRef("pk"))
        count = Order.objects.unpaid().filter(Exists(waiting), expires_at__gt=now).count()
        if count:
            text = ngettext("%d order waits for its money", "%d orders wait for their money", count) % count
            found.append(Todo("banknote", text, "/dashboard/orders/?status=pending"))
    if "refund_orders" in rights:
        disputed = Dispute.objects.filter(status=Dispute.Status.OPEN).count()
        if disputed:
            text = (
                ngettext("%d payment is disputed by a bank", "%d payments are disputed by banks", disputed) % disputed
            )
            found.append(Todo("triangle-alert", text, "/dashboard/money/disputes/"))
    if "check_in" in rights:
        open_ones = OfflineScan.objects.exclude(conflict="").filter(seen_at=None).count()
        if open_ones:
            text = ngettext("%d scan contradicts the server", "%d scans contradict the server", open_ones) % open_ones
            found.append(Todo("triangle-alert", text, "/dashboard/scan-conflicts/"))
    if "moderate_reviews" in rights:
        held = Review.objects.waiting().order_by().count()
        if held:
            text = ngettext("%d review waits for your decision", "%d reviews wait for your decision", held) % held
            found.append(Todo("star", text, "/dashboard/reviews/"))
    if "change_event" in rights:
        drafts = Event.objects.filter(status="draft").count()
        if drafts:
            text = ngettext("%d event is a draft that nobody sees", "%d events are drafts that nobody sees", drafts)
            found.append(Todo("pencil", text % drafts, "/dashboard/events/?show=drafts"))
        without = Event.objects.on_sale(now).filter(~Exists(TicketType.objects.filter(event=OuterRef("pk"))))
        for event in without[:3]:
            found.append(
                Todo("ticket", _("%s has no tickets on sale") % event, f"/dashboard/events/{event.slug}/edit/")
            )
    for event in events:
        each = numbers.get(event.pk)
        if each and each.capacity and each.sold_percent >= 90 and event.starts_at > now:
            url = f"/dashboard/events/{event.slug}/"
            text = _("%s is sold out") if each.sold >= each.capacity else _("%s is nearly sold out")
            found.append(Todo("sparkles", text % event, url))
        if "check_in" in rights and now - timedelta(hours=6) < event.starts_at < now + timedelta(hours=24):
            found.append(Todo("scan-line", _("%s is about to start: open the check-in") % event, "/scan/"))
    return found[:6]
