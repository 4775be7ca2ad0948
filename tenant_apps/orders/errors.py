"""Why an order is refused."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput


class EmptyOrder(InvalidInput):
    code = "order_empty"
    message = _("Choose at least one ticket.")


class SalesPaused(Conflict):
    """The organizer's plan has no room for more paid tickets this month. How many that are is not for buyers."""

    code = "sales_paused"
    message = _("Tickets are not sold here at the moment. Please ask the organizer.")


class TooManyTickets(InvalidInput):
    code = "too_many_tickets"
    message = _("One order takes at most {limit} tickets.")


class WrongQuantity(InvalidInput):
    code = "quantity_out_of_range"
    message = _("Of {what}, choose between {least} and {most}.")


class TooManyPerPerson(Conflict):
    """Counted over all live orders of the buyer's address or account."""

    code = "too_many_per_person"
    message = _("One person can have at most {most} of {what}; you have {have} already.")


class PriceNotAllowed(InvalidInput):
    code = "price_not_allowed"
    message = _("The price of {what} is not for the buyer to say.")


class InvalidPrice(InvalidInput):
    code = "invalid_price"
    message = _("Write the price as 12.50.")


class PriceTooLow(InvalidInput):
    code = "price_too_low"
    message = _("{what} costs {least} or more.")


class PriceTooHigh(InvalidInput):
    code = "price_too_high"
    message = _("That is more than can be paid here for one ticket: {most} at most.")


class UnknownTicketType(InvalidInput):
    code = "does_not_exist"
    message = _("There is no such ticket type on sale.")


class UnknownGoods(InvalidInput):
    code = "does_not_exist"
    message = _("There are no such goods on sale.")


class WrongMultiple(InvalidInput):
    code = "quantity_out_of_range"
    message = _("{what} is sold from {least} pieces on, in multiples of {multiple}.")


class DeliveryRequired(InvalidInput):
    code = "delivery_required"
    message = _("Choose how the goods reach you.")


class DeliveryNotPossible(InvalidInput):
    code = "delivery_not_possible"
    message = _("{what} does not take this order. Please choose another way of delivery.")


class MixedCurrencies(InvalidInput):
    code = "mixed_currencies"
    message = _("These are sold in different currencies; please order them one after the other.")


class ConfirmedAccountRequired(Conflict):
    code = "account_required"
    status = 403
    message = _("This organizer sells to signed-in people only. Please sign in first.")


class NotOnSale(Conflict):
    code = "not_on_sale"
    message = _("{what} is not on sale.")


class SaleNotStarted(NotOnSale):
    code = "sale_not_started"
    message = _("{what} is not on sale yet.")


class SaleEnded(NotOnSale):
    code = "sale_ended"
    message = _("{what} is no longer on sale.")


class TooManyOpenOrders(Conflict):
    code = "too_many_open_orders"
    message = _("You have {limit} unpaid orders of this kind already. Pay or cancel one of them first.")


class CancellationClosed(Conflict):
    code = "cancellation_closed"
    message = _("This order can no longer be cancelled online. Please write to the organizer.")


class CancellationNotAllowed(Conflict):
    code = "cancellation_not_allowed"
    message = _("{what} cannot be cancelled online. Please write to the organizer.")


class GoodsAreAway(Conflict):
    code = "goods_shipped"
    message = _("Goods of this order are on their way or delivered. They have to come back first.")


class TicketsUsed(Conflict):
    code = "tickets_used"
    message = _("A ticket of this order was used at the door.")


class OrderTooLarge(InvalidInput):
    """More money than a bigint column, or any provider, takes."""

    code = "order_too_large"
    message = _("This order is too large. Please place several.")


class WrongAnswers(InvalidInput):
    """What the event asks its attendees is not answered as it must be; each place is named."""

    code = "answers_invalid"
    message = _("Please look at the questions.")


class GoodsPacked(Conflict):
    code = "goods_packed"
    message = _("{what} is packed or on its way and can no longer be cancelled.")


class UnknownLine(InvalidInput):
    code = "does_not_exist"
    message = _("This order has no such line.")


class AttendeeFixed(Conflict):
    code = "attendee_fixed"
    message = _("The name on {what} can no longer be changed online. Please write to the organizer.")


class TooManyAddresses(Conflict):
    code = "too_many_addresses"
    message = _("At most {most} addresses can be kept. Delete one of them first.")


class TooManyNotes(Conflict):
    code = "too_many_notes"
    message = _("An order has room for {most} notes.")


class NothingToInvoice(Conflict):
    """Nothing was paid, the order was free, or the tenant gives no invoices by request."""

    code = "nothing_to_invoice"
    message = _("There is no invoice for this order.")


class NoGoods(Conflict):
    code = "no_goods"
    message = _("There are no goods in this order.")


class TooManyLines(InvalidInput):
    code = "too_many_lines"
    message = _("A cart takes at most {most} different things.")


class DeliveryUnknown(InvalidInput):
    code = "does_not_exist"
    message = _("There is no such way of delivery.")


class CartEmpty(Conflict):
    code = "cart_empty"
    message = _("There is nothing in the cart.")


class UnknownCart(InvalidInput):
    """Also for a cart of somebody else, of another tenant, or one that was ordered or emptied."""

    code = "does_not_exist"
    message = _("There is no such cart.")


class CartChanged(Conflict):
    """It was ordered, emptied or changed since it was read."""

    code = "cart_changed"
    message = _("The cart has changed meanwhile. Please look at it once more.")


class TotalChanged(Conflict):
    """A price, a discount or a fee is another than the buyer was shown."""

    code = "total_changed"
    message = _("The total has changed to {total}. Please look at it and order again.")


class NotSoldOut(Conflict):
    """One waits for what cannot be bought; this can."""

    code = "not_sold_out"
    message = _("{what} is not sold out: buy it now.")


class WaitingListClosed(Conflict):
    code = "waiting_list_closed"
    message = _("There is no waiting list for {what}.")


class WaitingListFull(Conflict):
    code = "waiting_list_full"
    message = _("The waiting list for {what} is full.")


class OfferOver(Conflict):
    """Places of the waiting list that were offered, and are not any more."""

    code = "offer_over"
    message = _("This offer is over: its places went to somebody else.")


class NoTicketFile(Conflict):
    """Only what admits is put on paper: a code that is refused at the door would lead somebody there for nothing."""

    code = "no_ticket_file"
    message = _("There is no ticket here that admits anybody.")
