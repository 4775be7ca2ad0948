"""Word for staff of what the clock finds: what is nearly sold out (`stock_watch`), books that do not agree."""

from django.utils.translation import gettext_lazy as _

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.catalog.models import Product
from tenant_apps.events.models import Event
from tenant_apps.notifications.staff_alerts import BY_ALL, alert
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Topic, register

STOCK_LOW = register(
    Topic(
        "staff.stock_low", _("Staff: something is nearly sold out"), BY_ALL, staff=True,
        placeholders=("what", "text"),
        samples={"text": _("Hall: 4 left")},
        title=_("Nearly sold out: {what}"),
        body="{text}",
    )
)  # fmt: skip

BOOKS = register(
    Topic(
        "staff.books_differ", _("Staff: our books and a provider's do not agree"), (EMAIL, PUSH, FEED), staff=True,
        placeholders=("what", "code"),
        samples={"what": "stripe", "code": "ch_1PqXyZ"},
        title=_("Our books and those of {what} do not agree"),
        body=_("Look at the movement {code} there and here: one of the two does not have it, or has another amount."),
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


@subscribe("books.differ")
def tell_of_books(message: OutboxMessage) -> None:
    """Tell who may send money back that a movement stands in one book only."""
    values = {"what": str(message.payload["provider"]), "code": str(message.payload["reference"])[:120]}
    alert(BOOKS, message, "refund_orders", values, url="/dashboard/money/")
