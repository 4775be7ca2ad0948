"""What a person bought here: orders, tickets and scans to hand out; names and addresses to replace (P3).

An order is a person's if they were signed in, or if it is a guest's with the address that they have confirmed. Names
and addresses of others on it (whom they bought tickets for) are not theirs: an export leaves them out, an erasure
keeps those that have an address of their own.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.orders.addresses import FIELDS as ADDRESS_FIELDS
from tenant_apps.orders.cart_holds import give_back
from tenant_apps.orders.models import Cart, Order, OrderLine, OrderNote, SavedAddress
from tenant_apps.ticketing.models import CheckIn, Ticket

MONEY = ("subtotal", "discount", "fees", "tax", "delivery", "total", "refunded")


def own_orders(person: Person) -> "QuerySet[Order]":
    """Return the person's orders in this tenant."""
    mine = Q(user_id=person.user_id)
    if person.email:
        mine |= Q(user__isnull=True, email__iexact=person.email)
    return Order.objects.filter(mine).order_by("created_at", "pk")


def own_tickets(person: Person) -> "QuerySet[Ticket]":
    """Return the tickets of the person's orders, and those that others ordered in the person's name."""
    mine = Q(order_line__order__in=own_orders(person).values("pk"))
    if person.email:
        mine |= Q(holder_email__iexact=person.email)
    return Ticket.objects.filter(mine).order_by("created_at", "pk")


def _orders(person: Person) -> Rows:
    for order in own_orders(person).prefetch_related("lines"):
        yield {
            "code": order.code,
            "status": order.status,
            "email": order.email,
            "name": order.name,
            "language": order.language,
            "created_at": order.created_at,
            "paid_at": order.paid_at,
            "currency": order.currency,
            **{f"{name}_minor": getattr(order, f"{name}_minor") for name in MONEY},
            "delivery": order.delivery,
            "lines": [_line(line, order, person) for line in order.lines.all()],
        }


def _line(line: OrderLine, order: Order, person: Person) -> dict[str, Any]:
    mine = _is_theirs(line.attendee_email, order, person)
    return {
        "title": line.title,
        "status": line.status,
        "quantity": line.quantity,
        "total_minor": line.total_minor,
        "attendee_name": line.attendee_name if mine else None,
        "attendee_email": line.attendee_email if mine else None,
        "answers": line.answers if mine else None,
    }


def _is_theirs(address: str, order: Order | None, person: Person) -> bool:
    """Whether an attendee's address is the buyer's own. Who was named without one may be anybody: not handed out."""
    return bool(address) and address.lower() in {person.email, order.email.lower() if order else ""} - {""}


def _tickets(person: Person) -> Iterator[dict[str, Any]]:
    rows = own_tickets(person).select_related("event", "ticket_type", "order_line__order")
    for ticket in rows.iterator(chunk_size=500):
        line = getattr(ticket, "order_line", None)
        order = line.order if line and _owns(person, line.order) else None
        mine = _is_theirs(ticket.holder_email, order, person)
        yield {
            "code": ticket.short_code,
            "status": ticket.status,
            "event": ticket.event.title,
            "starts_at": ticket.event.starts_at,
            "ticket_type": ticket.ticket_type.name,
            "seat": ticket.seat,
            "price_minor": ticket.price_minor,
            "currency": ticket.currency,
            "order": order.code if order else None,
            "holder_name": ticket.holder_name if mine else None,
            "holder_email": ticket.holder_email if mine else None,
            "created_at": ticket.created_at,
        }


def _owns(person: Person, order: Order) -> bool:
    by_address = bool(person.email) and order.user_id is None and order.email.lower() == person.email
    return order.user_id == person.user_id or by_address


def _check_ins(person: Person) -> Rows:
    rows = CheckIn.objects.filter(ticket__in=own_tickets(person).values("pk")).order_by("scanned_at", "pk")
    return rows.values(
        "scanned_at", "direction", "result", "reason", "note", "undone_at", "left_at",
        ticket_code=F("ticket__short_code"), entrance=F("check_in_list__name"), event=F("ticket__event__title"),
    )  # fmt: skip


def _located(person: Person) -> Mapping[str, Collection[str]]:
    orders = list(own_orders(person).values_list("pk", "email", "name"))
    tickets = own_tickets(person).values_list("pk", flat=True)
    scans = CheckIn.objects.filter(ticket__in=own_tickets(person).values("pk")).values_list("pk", flat=True)
    return {
        "targets": {
            *(f"orders.order:{pk}" for pk, _email, _name in orders),
            *(f"ticketing.ticket:{pk}" for pk in tickets),
            *(f"ticketing.checkin:{pk}" for pk in scans),
        },
        "addresses": {email for _pk, email, _name in orders},
        "names": {name for _pk, _email, name in orders},
    }


def _end_lines(person: Person) -> int:
    """Attendees that are the buyer or have no address of their own, and the person on others' orders."""
    lines = OrderLine.objects.filter(order__in=own_orders(person).values("pk"))
    same = lines.alias(attendee=Lower("attendee_email"), buyer=Lower("order__email"))
    theirs = list(same.filter(Q(attendee="") | Q(attendee=F("buyer"))).values_list("pk", "ticket_id"))
    changed = OrderLine.objects.filter(pk__in=[pk for pk, _ticket in theirs]).update(
        attendee_name="", attendee_email="", answers=[]
    )
    changed += Ticket.objects.filter(pk__in=[ticket for _pk, ticket in theirs if ticket]).update(
        holder_name="", holder_email=person.alias, modified_at=timezone.now()
    )
    if person.email:
        named = OrderLine.objects.filter(attendee_email__iexact=person.email)
        changed += named.update(attendee_name="", attendee_email="", answers=[])
    return changed


def _end_orders(person: Person) -> int:
    """Money, places and counts stay; whose order it was is gone."""
    ids = list(own_orders(person).values_list("pk", flat=True))
    return Order.objects.filter(pk__in=ids).update(
        email=person.alias, name="", user=None, delivery={}, modified_at=timezone.now()
    )


def _addresses(person: Person) -> Rows:
    for address in SavedAddress.objects.filter(user_id=person.user_id).order_by("pk"):
        yield {name: getattr(address, name) for name in ADDRESS_FIELDS}


def _end_addresses(person: Person) -> int:
    return SavedAddress.objects.filter(user_id=person.user_id).delete()[0]


def _end_notes(person: Person) -> int:
    """What staff wrote about the person's orders goes; what the person wrote as staff stays, without their name."""
    gone = OrderNote.objects.filter(order__in=own_orders(person).values("pk")).delete()[0]
    return gone + OrderNote.objects.filter(actor_id=person.user_id).exclude(actor=person.alias).update(
        actor=person.alias
    )


def _carts(person: Person) -> Rows:
    for cart in Cart.objects.filter(user_id=person.user_id).prefetch_related("lines"):
        yield {
            "created_at": cart.created_at,
            "voucher": cart.voucher,
            "lines": [{"title": line.title, "quantity": line.quantity} for line in cart.lines.all()],
        }


@transaction.atomic
def _end_carts(person: Person) -> int:
    """What they were choosing is of no use to anybody else; what it held is free."""
    cart = Cart.objects.select_for_update(of=("self",)).filter(user_id=person.user_id).first()
    if cart is None:
        return 0
    give_back(cart)
    cart.delete()
    return 1


hold("carts", "orders.Cart", {"user"}, export=_carts, erase=_end_carts, order=5)
harmless("orders.CartLine", {"title", "places"}, "the event or product and its kind, and numbers of places")
hold(
    "orders", "orders.Order", {"email", "name", "user", "secret", "language", "delivery"},
    export=_orders, erase=_end_orders, locate=_located, order=30,
)  # fmt: skip
hold("order_lines", "orders.OrderLine", {"attendee_name", "attendee_email", "answers"}, erase=_end_lines, order=10)
hold("tickets", "ticketing.Ticket", {"holder_name", "holder_email"}, export=_tickets)
hold("check_ins", "ticketing.CheckIn", {"ticket"}, export=_check_ins)
harmless("orders.OrderLine", {"title", "tier_name", "applied"}, "what was bought and its price at the time")
harmless("orders.Order", {"fees", "voucher"}, "names and amounts of fees, and the code of an offer")
hold(
    "saved_addresses", "orders.SavedAddress", {"user", *ADDRESS_FIELDS}, export=_addresses, erase=_end_addresses,
)  # fmt: skip
# Before the orders cease to be theirs.
hold("order_notes", "orders.OrderNote", {"text", "actor", "actor_id"}, erase=_end_notes, order=10)
harmless("orders.Order", {"rules"}, "discounts and fees as they were then")
