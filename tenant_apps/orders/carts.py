"""What is done to carts. Each act locks the cart first, then claims stock last of all (orders.cart_holds)."""

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.core.attempts import MOST_ATTEMPTS
from shared_apps.core.database_errors import retrying
from shared_apps.core.errors import Busy, DomainError, NotFound, SoldOut
from shared_apps.core.money import to_text
from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.orders import errors
from tenant_apps.orders.cart_holds import Held, exchange, give_back, lend
from tenant_apps.orders.cart_models import Cart, CartLine
from tenant_apps.orders.checkout import Basket, BasketLine, make_room, order_lines
from tenant_apps.orders.goods import variants_on_sale
from tenant_apps.orders.models import OrderLine
from tenant_apps.orders.quote import Quote
from tenant_apps.orders.selection import said_price, types_on_sale
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.promotions import uses
from tenant_apps.promotions.errors import VoucherNotApplicable, VoucherUsedUp
from tenant_apps.promotions.models import Voucher
from tenant_apps.promotions.querysets import spelled
from tenant_apps.promotions.uses import opened_by
from tenant_apps.ticketing.models import TicketType
from tenants.context import current_tenant
from tenants.preferences import preference

T = TypeVar("T")

MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes with a cart: somebody signed in, a token's cart (its id), both or neither."""

    user: Any = None
    cart_id: uuid.UUID | None = None


def _reachable(visitor: Visitor) -> Q:
    """A token alone opens a guest's cart only: once it is a person's, it takes their sign-in."""
    mine = Q(pk=visitor.cart_id, user=None) if visitor.cart_id else Q(pk__in=())
    return mine | Q(user=visitor.user.pk) if visitor.user is not None else mine


def find(visitor: Visitor) -> Cart | None:
    """Return the visitor's cart. What they chose as a guest comes into their own cart when they are signed in."""
    if visitor.user is None and visitor.cart_id is None:
        return None
    found = list(Cart.objects.filter(_reachable(visitor)))
    guests = [cart for cart in found if cart.user_id is None]
    if visitor.user is not None and guests:
        return _take_over(visitor)
    return found[0] if found else None


def count_of(visitor: Visitor) -> int:
    """How many things are in the visitor's cart, for the badge: one statement, none for who has no cart."""
    if visitor.user is None and visitor.cart_id is None:
        return 0
    rows = CartLine.objects.filter(cart__in=Cart.objects.filter(_reachable(visitor)))
    return sum(rows.values_list("quantity", flat=True))


def opened_for(visitor: Visitor) -> Collection[int]:
    """The hidden ticket types that the code on the visitor's cart opens; no statement for who has no cart."""
    if visitor.user is None and visitor.cart_id is None:
        return ()
    code = Cart.objects.filter(_reachable(visitor)).exclude(voucher="").values_list("voucher", flat=True).first()
    try:
        return opened_by(uses.find(code)) if code else ()
    except DomainError:
        return ()


def add(visitor: Visitor, wishes: Sequence[BasketLine], *, now: datetime | None = None) -> Cart:
    """Put tickets or goods into the cart and hold them, all of the wishes or none.

    Raises what checkout would raise for them, TooManyLines, and SoldOut.
    """
    now = now or timezone.now()
    return _with_room(lambda: _add(visitor, wishes, now), wishes, now)


@retrying
@transaction.atomic
def _add(visitor: Visitor, wishes: Sequence[BasketLine], now: datetime) -> Cart:
    cart = _locked(visitor) or _new(visitor)
    lines = list(cart.lines.all())
    touched: list[CartLine] = []
    opened = opened_by(voucher_in(cart, now)[0])
    for index, wish in enumerate(wishes):
        price = _said(wish, index, opened)
        line = next((each for each in lines if _same(each, wish, price)), None)
        if line is None:
            line = CartLine(
                cart=cart, ticket_type_id=wish.ticket_type, variant_id=wish.variant, price_minor=price, quantity=0
            )
            lines.append(line)
        line.quantity += wish.quantity
        if line not in touched:
            touched.append(line)
    if len(lines) > MOST_LINES:
        raise errors.TooManyLines(most=MOST_LINES)
    _hold(cart, lines, touched, now)
    return cart


def change(visitor: Visitor, line_id: uuid.UUID, quantity: int, *, now: datetime | None = None) -> Cart:
    """Have another quantity on a line. Raises NotFound for a line that is not the visitor's, and as `add`."""
    now = now or timezone.now()
    line = CartLine.objects.filter(cart__in=Cart.objects.filter(_reachable(visitor)), pk=line_id).first()
    if line is None:
        raise NotFound
    more = BasketLine(line.ticket_type_id, max(0, quantity - line.quantity), variant=line.variant_id)
    return _with_room(lambda: _change(visitor, line_id, quantity, now), [more], now)


@retrying
@transaction.atomic
def _change(visitor: Visitor, line_id: uuid.UUID, quantity: int, now: datetime) -> Cart:
    cart, lines = _own(visitor)
    line = _line(lines, line_id)
    line.quantity = quantity
    _hold(cart, lines, [line], now)
    return cart


def hold_again(visitor: Visitor, *, now: datetime | None = None) -> Cart:
    """Hold everything anew after the time was up. Raises CartEmpty, and as `add`, naming the line."""
    now = now or timezone.now()
    cart = find(visitor)
    if cart is None:
        raise errors.CartEmpty
    wishes = [as_wish(line) for line in cart.lines.all()]
    return _with_room(lambda: _hold_again(visitor, now), wishes, now)


@retrying
@transaction.atomic
def _hold_again(visitor: Visitor, now: datetime) -> Cart:
    cart, lines = _own(visitor)
    _hold(cart, lines, lines, now)
    return cart


@retrying
@transaction.atomic
def remove(visitor: Visitor, line_id: uuid.UUID) -> Cart:
    """Take a line out; what it held is free at once. Raises NotFound."""
    cart = _locked(visitor)
    if cart is None:
        raise NotFound
    lines = list(cart.lines.all())
    line = _line(lines, line_id)
    held = Held.by_cart_lines([line])
    line.delete()
    _touch(cart, [each for each in lines if each is not line])
    exchange(held, Held(), ())
    return cart


@retrying
@transaction.atomic
def empty(visitor: Visitor) -> None:
    """Take everything out. A visitor without a cart has an empty one already."""
    cart = _locked(visitor)
    if cart is None:
        return
    held = Held.by_cart_lines(cart.lines.all())
    cart.delete()
    exchange(held, Held(), ())


def use_voucher(visitor: Visitor, code: str, *, now: datetime | None = None) -> Cart:
    """Put a code on the cart; it is used up by an order only. A visitor without a cart gets one: the code may open what
    they cannot choose yet. Uses of orders whose time is up are there again, though no job has run (M4).

    Raises what `uses.find` does, and VoucherNotApplicable where it neither makes anything cheaper nor opens anything.
    """
    now = now or timezone.now()
    try:
        return _use_voucher(visitor, code, now)
    except VoucherUsedUp:
        if not give_back_overdue(voucher=spelled(code), now=now):
            raise
    return _use_voucher(visitor, code, now)


@retrying
@transaction.atomic
def _use_voucher(visitor: Visitor, code: str, now: datetime) -> Cart:
    voucher = uses.find(code, now)
    cart = _locked(visitor) or _new(visitor)
    cart.voucher = voucher.code
    lines = list(cart.lines.select_related("ticket_type__event"))
    _touch(cart, lines)
    if lines and not opened_by(voucher) and not _works(lines, voucher, now):
        raise VoucherNotApplicable(field="voucher")
    return cart


def _works(lines: Sequence[CartLine], voucher: Voucher, now: datetime) -> bool:
    wishes = [as_wish(line) for line in lines if line.ticket_type_id or line.variant_id]
    try:
        types, variants = types_on_sale(wishes, (), now), variants_on_sale(wishes)
        return order_lines(Basket(email="", lines=wishes), types, variants, now, voucher=voucher)[1].voucher_works
    except DomainError:
        return True  # some line cannot be bought any more: that is told at the line, and then the code is judged again


@retrying
@transaction.atomic
def drop_voucher(visitor: Visitor) -> Cart | None:
    """Take the code off the cart. A visitor without a cart has none on it."""
    cart = _locked(visitor)
    if cart is not None:
        cart.voucher = ""
        _touch(cart, list(cart.lines.all()))
    return cart


@retrying
@transaction.atomic
def choose_delivery(visitor: Visitor, method_id: int | None) -> Cart:
    """Say how the goods are to come, so that the total can be told. Raises CartEmpty, DeliveryUnknown."""
    cart, lines = _own(visitor)
    if method_id is not None and not DeliveryMethod.objects.filter(pk=method_id, active=True).exists():
        raise errors.DeliveryUnknown(field="method")
    cart.delivery_method_id = method_id
    _touch(cart, lines)
    return cart


# --- What they share -------------------------------------------------------------------------------------------------


def as_wish(line: CartLine) -> BasketLine:
    """The line as checkout takes it."""
    currency = line.ticket_type.event.currency if line.price_minor is not None and line.ticket_type else ""
    price = None if line.price_minor is None or not currency else to_text(line.price_minor, currency)
    return BasketLine(line.ticket_type_id, line.quantity, price=price, variant=line.variant_id)


def _with_room(act: Callable[[], T], wishes: Sequence[BasketLine], now: datetime) -> T:
    """Do it; where it is sold out, give back what others hold beyond their time and try again (M3)."""
    basket = Basket(email="", lines=[wish for wish in wishes if wish.quantity > 0])
    sold_out: Exception = Busy()
    for _attempt in range(MOST_ATTEMPTS):
        try:
            return act()
        except SoldOut as refusal:
            sold_out = refusal
            if not make_room(basket, now):
                break
    raise sold_out


def _said(wish: BasketLine, index: int, opened: Collection[int]) -> int | None:
    """What the buyer wants to pay for each, in minor units, where the type leaves it to them; for telling lines apart.
    A price that is not theirs to say is refused where it would count."""
    if wish.ticket_type is None or wish.price is None:
        return None
    found = TicketType.objects.visible_to(opened).filter(pk=wish.ticket_type).select_related("event").first()
    if found is None:
        raise errors.UnknownTicketType(field=f"lines.{index}.ticket_type")
    if found.price_kind != TicketType.PriceKind.OPEN:
        raise errors.PriceNotAllowed(field=f"lines.{index}.price", what=found.name)
    return said_price(found, wish.price, f"lines.{index}.price")


def _same(line: CartLine, wish: BasketLine, price: int | None) -> bool:
    here = (line.ticket_type_id, line.variant_id, line.price_minor)
    return here == (wish.ticket_type, wish.variant, price)


def _hold(cart: Cart, lines: list[CartLine], touched: Sequence[CartLine], now: datetime) -> None:
    """Hold what the touched lines say, write them, and let the time run if it does not; stock comes last (M2)."""
    limit = preference(current_tenant(), "max_tickets_per_order")
    if sum(line.quantity for line in lines if line.ticket_type_id) > limit:
        raise errors.TooManyTickets(field="lines.0.quantity", limit=limit)
    # Lines of one type at several prices that the buyer says are judged together.
    kinds = {line.ticket_type_id for line in touched if line.ticket_type_id}
    judged = [*touched, *(line for line in lines if line not in touched and line.ticket_type_id in kinds)]
    wishes = [as_wish(line) for line in judged]
    voucher, _problem = voucher_in(cart, now)
    types = types_on_sale(wishes, opened_by(voucher), now)
    variants = variants_on_sale(wishes)
    for index, line in enumerate(judged):
        one = types.get(line.ticket_type_id or 0)
        if one and one.max_per_person is not None and line.quantity > one.max_per_person:
            where = f"lines.{index}.quantity"
            raise errors.TooManyPerPerson(field=where, what=one.name, most=one.max_per_person, have=0)
    _refuse_currencies(cart, judged, {one.event.currency for one in types.values()} | {
        one.product.currency for one in variants.values()
    })  # fmt: skip
    mine = Held.by_cart_lines(judged)
    lend(mine, types.values())
    by_line, quoted = order_lines(Basket(email="", lines=wishes), types, variants, now, voucher=voucher)
    kept = _kept_for(quoted, [line for line in lines if line not in judged])
    for line, made in zip(judged, by_line, strict=True):
        claims = Held.for_order_lines(made)
        line.title = made[0].title
        line.places = _but_kept(claims.places, kept)
        line.pieces = sum(claims.pieces.values())
    cart.expires_at = _until(cart, now)
    _save(judged)
    _touch(cart, lines)
    everything: list[OrderLine] = [each for made in by_line for each in made]
    exchange(mine, Held.by_cart_lines(judged), everything)


def _kept_for(quoted: Quote, others: Sequence[CartLine]) -> Counter[int]:
    """How many of the places that the voucher keeps are there for the lines that were quoted, by quota: `others` of the
    cart go without places of their own already."""
    kept: Counter[int] = Counter()
    for pk, count in quoted.reserved.items():
        taken = sum(line.quantity - line.places[str(pk)] for line in others if str(pk) in line.places)
        there = quoted.voucher.reserved if quoted.voucher else 0
        kept[pk] = max(0, min(count, there - taken))
    return kept


def _but_kept(claims: Mapping[int, int], kept: Counter[int]) -> dict[str, int]:
    """What a line has to hold itself, by quota: the voucher keeps places for whoever brings it. Takes them off `kept`.

    A line all of whose places are kept holds none of that quota, and says so by a zero.
    """
    held = {}
    for pk, count in sorted(claims.items()):
        covered = min(count, kept[pk])
        kept[pk] -= covered
        held[str(pk)] = count - covered
    return held


def voucher_in(cart: Cart, now: datetime) -> tuple[Voucher | None, DomainError | None]:
    """Return the cart's voucher if it can be used now, or why it cannot: it may have ended since it was typed."""
    if not cart.voucher:
        return None, None
    try:
        return uses.find(cart.voucher, now), None
    except DomainError as refusal:
        return None, refusal


def _until(cart: Cart, now: datetime) -> datetime:
    """The time runs from the first thing on and is not set back by more, or one could hold a place for ever. When it
    is over it starts anew: others could have had the places meanwhile."""
    if cart.expires_at is not None and cart.expires_at > now:
        return cart.expires_at
    return now + timedelta(minutes=preference(current_tenant(), "hold_minutes"))


def _save(lines: Sequence[CartLine]) -> None:
    fresh = [line for line in lines if line._state.adding]
    CartLine.objects.bulk_create(fresh)
    known = [line for line in lines if line not in fresh]
    CartLine.objects.bulk_update(known, ["quantity", "title", "places", "pieces"])


def _refuse_currencies(cart: Cart, judged: Sequence[CartLine], currencies: set[str]) -> None:
    others = cart.lines.exclude(pk__in=[line.pk for line in judged])
    for pair in others.values_list("ticket_type__event__currency", "variant__product__currency"):
        currencies |= {currency for currency in pair if currency}
    if len(currencies) > 1:
        raise errors.MixedCurrencies(field="lines.0")


def _touch(cart: Cart, lines: Sequence[CartLine]) -> None:
    """Write the cart: whoever ordered it as it was before notices by the time of its change."""
    if not any(line.is_held for line in lines):
        cart.expires_at = None
    cart.modified_at = timezone.now()
    cart.save(update_fields=["expires_at", "modified_at", "voucher", "delivery_method"])


def _line(lines: Sequence[CartLine], line_id: uuid.UUID) -> CartLine:
    found = next((line for line in lines if line.pk == line_id), None)
    if found is None:
        raise NotFound
    return found


def _own(visitor: Visitor) -> tuple[Cart, list[CartLine]]:
    """The visitor's cart, locked, with its lines. Raises CartEmpty."""
    cart = _locked(visitor)
    if cart is None:
        raise errors.CartEmpty
    return cart, list(cart.lines.select_related("ticket_type__event"))


def _locked(visitor: Visitor) -> Cart | None:
    found = find(visitor)
    if found is None:
        return None
    # Ordered or emptied meanwhile: then there is none.
    return Cart.objects.select_for_update(of=("self",)).filter(pk=found.pk).first()


def _new(visitor: Visitor) -> Cart:
    person = visitor.user.pk if visitor.user is not None else None
    taken = visitor.cart_id is None or Cart.objects.filter(pk=visitor.cart_id).exists()
    cart = Cart(pk=uuid.uuid4() if taken else visitor.cart_id, user_id=person)
    # Two first clicks at once: one writes it, the other finds it.
    Cart.objects.bulk_create([cart], ignore_conflicts=True)
    found = _locked(Visitor(visitor.user, cart.pk))
    if found is None:
        raise Busy
    return found


@retrying
@transaction.atomic
def _take_over(visitor: Visitor) -> Cart:
    """Make what a guest chose the person's own, holds and all; nothing is given back in between."""
    both = list(Cart.objects.filter(_reachable(visitor)).order_by("pk").select_for_update(of=("self",)))
    own = next((cart for cart in both if cart.user_id is not None), None)
    guests = next((cart for cart in both if cart.user_id is None), None)
    if guests is None:
        if own is None:
            raise Busy
        return own
    if own is None:
        guests.user_id = visitor.user.pk
        guests.save(update_fields=["user"])
        return guests
    now = timezone.now()
    for cart in (own, guests):
        if cart.expires_at is not None and cart.expires_at <= now:
            give_back(cart)
    mine = list(own.lines.all())
    for line in guests.lines.all():
        known = next((each for each in mine if _alike(each, line)), None)
        if known is None:
            line.cart = own
            line.save(update_fields=["cart"])
            mine.append(line)
            continue
        known.quantity += line.quantity
        held = Held.by_cart_lines([known, line]).places
        known.places = {str(pk): count for pk, count in sorted(held.items())}
        known.pieces += line.pieces
        line.delete()
        known.save(update_fields=["quantity", "places", "pieces"])
    ends = [cart.expires_at for cart in (own, guests) if cart.expires_at is not None]
    own.expires_at = min(ends, default=None)
    own.voucher = own.voucher or guests.voucher
    own.delivery_method_id = own.delivery_method_id or guests.delivery_method_id
    guests.delete()
    _touch(own, mine)
    return own


def _alike(one: CartLine, other: CartLine) -> bool:
    def thing(line: CartLine) -> tuple[Any, ...]:
        return line.ticket_type_id, line.variant_id, line.price_minor

    return thing(one) == thing(other) and thing(one)[:2] != (None, None)
