"""Word for staff of what is nearly sold out (`stock_watch`), to whoever can do something about it."""

from django.utils.translation import gettext_lazy as _

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.catalog.models import Product
from tenant_apps.events.models import Event
from tenant_apps.notifications.staff_alerts import BY_ALL, alert
from tenant_apps.notifications.topics import Topic, register

STOCK_LOW = register(
    Topic(
        "staff.stock_low", _("Staff: something is nearly sold out"), BY_ALL, staff=True,
        placeholders=("what", "text"),
        samples={"text": _("Hall: 4 left")},
        title=_("Nearly sold out: {what}"),
        body="{text}",
    )
)  # fmt: skip


@subscribe("stock.low")
def tell_of_stock(message: OutboxMessage) -> None:
    """Tell who may change the event, or the catalog, what is left. Not of what was deleted meanwhile."""
    text = "\n".join(f"{item['name']}: {item['left']}" for item in message.payload["items"])
    event = Event.objects.filter(pk=message.payload.get("event")).first()
    product = Product.objects.filter(pk=message.payload.get("product")).first()
    if event is not None:
        values = {"what": event.title, "text": text}
        url = f"/dashboard/events/{event.slug}/tickets/"
        alert(STOCK_LOW, message, "change_event", values, url=url, events=[event.pk])
    elif product is not None:
        values = {"what": product.name, "text": text}
        alert(STOCK_LOW, message, "change_catalog", values, url=f"/dashboard/products/{product.slug}/")
