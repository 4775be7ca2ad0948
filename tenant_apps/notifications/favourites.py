"""Word to who keeps an event or a product in mind: its price or its state changed.

What each person knows stands in their favourite; what differs is news for them, and told in the transaction that notes
it (`customers.favourites.take_news`). So it is told once, whatever is repeated, and never twice the same.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from shared_apps.accounts.models import User
from shared_apps.core.templatetags.money import written
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import BULK
from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.customers import favourites
from tenant_apps.customers.favourites import AVAILABLE, SOLD_OUT, WITHDRAWN, News
from tenant_apps.events.models import Event
from tenant_apps.notifications.about import day_and_time
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Recipient, Topic, register
from tenant_apps.notifications.wording import known_language
from tenant_apps.orders.models import OrderLine
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Ticket, TicketType
from tenants.context import current_tenant

Status = Event.Status
CHANGED = register(
    Topic(
        "favourite.changed", gettext_lazy("Price or state of a favourite changed"), (EMAIL, PUSH, FEED),
        placeholders=("what", "changes"),
        samples={"changes": gettext_lazy("The price is now €20.00 (before: €24.00).")},
        title=gettext_lazy("What is new: {what}"),
        body=gettext_lazy("{greeting}\n\n{what} is one of your favourites.\n\n{changes}"),
    )
)  # fmt: skip
# More things than this are left to the next time that each of them changes.
MOST_AT_ONCE = 2000


@subscribe("event.published")
@subscribe("event.postponed")
@subscribe("event.cancelled")
@subscribe("event.finished")
@subscribe("event.archived")
def look_at_event(message: OutboxMessage) -> None:
    """The event's state changed."""
    tell(Event.objects.filter(pk=_id_of(message)).first(), message)


@subscribe("ticket_type.created")
@subscribe("ticket_type.updated")
def look_at_price(message: OutboxMessage) -> None:
    """What it costs may have changed."""
    tell(Event.objects.filter(pk__in=TicketType.objects.filter(pk=_id_of(message)).values("event")).first(), message)


@subscribe("product.updated")
def look_at_product(message: OutboxMessage) -> None:
    """Price or offer of the product may have changed."""
    tell(Product.objects.filter(pk=_id_of(message)).first(), message)


@subscribe("product_variant.created")
@subscribe("product_variant.updated")
def look_at_variant(message: OutboxMessage) -> None:
    """Price or stock of the product may have changed."""
    of = ProductVariant.objects.filter(pk=_id_of(message)).values("product")
    tell(Product.objects.filter(pk__in=of).first(), message)


@subscribe("order.paid")
@subscribe("order.cancelled")
@subscribe("order.lines_cancelled")
@subscribe("order.returned")
def look_at_goods(message: OutboxMessage) -> None:
    """Pieces were sold or came back: what somebody keeps in mind may be sold out, or there again."""
    lines = OrderLine.objects.filter(order=UUID(_id_of(message)), variant__isnull=False)
    kept = Product.objects.filter(pk__in=lines.values("variant__product"), standing__favourites__gt=0)
    for product in kept.order_by("pk"):
        tell(product, message)


@subscribe("import.applied")
def look_at_all(message: OutboxMessage) -> None:
    """A file may have changed prices of many."""
    for model in (Event, Product):
        for thing in model._default_manager.filter(standing__favourites__gt=0).order_by("pk")[:MOST_AT_ONCE]:
            tell(thing, message)


def tell(thing: Event | Product | None, message: OutboxMessage) -> None:
    """Tell whom it is news for. Whoever has a ticket hears of the event anyway."""
    if thing is None:
        return
    with transaction.atomic():
        for batch in favourites.take_news(thing):
            news = [each for each in batch if is_told(each)]
            if news:
                notify_many(CHANGED, _notices(thing, news, message), queue=BULK)


def is_told(news: News) -> bool:
    """Tell whether people care: not that something sold out or is over, and not that nothing of it is on sale yet."""
    if news.now.status in (SOLD_OUT, Status.FINISHED, Status.ARCHIVED, Status.DRAFT):
        return False
    return news.was.status != news.now.status or news.now.price_minor is not None


def in_words(thing: Event | Product, news: News) -> str:
    """Return what changed, in the language that is active."""
    lines = []
    if news.was.status != news.now.status:
        match news.now.status:
            case Status.PUBLISHED:
                lines.append(_("It is on sale again."))
            case Status.POSTPONED:
                assert isinstance(thing, Event)
                starts = day_and_time(thing.starts_at, thing.timezone)
                lines.append(_("It is postponed. The new date is {starts}.").format(starts=starts))
            case Status.CANCELLED:
                lines.append(_("It does not take place."))
            case _other if _other == AVAILABLE:
                lines.append(_("It is available again."))
            case _other if _other == WITHDRAWN:
                lines.append(_("It is no longer on offer."))
    was, now = news.was.price_minor, news.now.price_minor
    if was != now and now is not None and news.now.status not in (Status.CANCELLED, WITHDRAWN):
        price = written(now, thing.currency) if now else _("free")
        if was is None:
            lines.append(_("It costs {now}.").format(now=price))
        else:
            before = written(was, thing.currency) if was else _("free")
            lines.append(_("The price is now {now} (before: {was}).").format(now=price, was=before))
    return "\n".join(lines)


def _notices(thing: Event | Product, news: list[News], message: OutboxMessage) -> Iterator[Notice]:
    people = User.objects.filter(pk__in=[each.user_id for each in news], is_active=True).in_bulk()
    holders: set[int] = set()
    if isinstance(thing, Event):
        bought = Ticket.objects.filter(event=thing, status__in=GOOD, order_line__order__user__in=list(people))
        holders = set(bought.values_list("order_line__order__user_id", flat=True))
    what = thing.title if isinstance(thing, Event) else thing.name
    kind = "events" if isinstance(thing, Event) else "products"
    tenant = current_tenant()
    for each in news:
        person = people.get(each.user_id)
        if person is None or person.pk in holders:
            continue
        with override(known_language(person.language, tenant.language)):
            changes = in_words(thing, each)
        if changes:
            values: dict[str, Any] = {"what": what, "changes": changes}
            key = f"{message.id}:favourite:{kind}:{thing.pk}:{person.pk}"
            yield Notice(_recipient(person), values, key, f"/{kind}/{thing.slug}/")


def _id_of(message: OutboxMessage) -> str:
    return message.aggregate.partition(":")[2]


def _recipient(person: User) -> Recipient:
    """The person, without the number that nothing is sent to: reading it costs a statement for each."""
    return Recipient(person.pk, person.email, "", person.name, person.language)
