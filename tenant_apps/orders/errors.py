"""Why an order is refused."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput


class EmptyOrder(InvalidInput):
    code = "order_empty"
    message = _("Choose at least one ticket.")


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


class WrongAnswers(InvalidInput):
    """What the event asks its attendees is not answered as it must be; each place is named."""

    code = "answers_invalid"
    message = _("Please look at the questions.")
