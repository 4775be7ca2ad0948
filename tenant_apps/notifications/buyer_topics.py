"""What buyers and ticket holders are told of, in our words. A tenant may put each in its own."""

from django.utils.translation import gettext_lazy as _

from tenant_apps.notifications.settled import still_so
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, SMS, Topic, register

BY_MAIL = (EMAIL, PUSH, FEED)
BY_ALL = (EMAIL, SMS, PUSH, FEED)
_ORDER = ("code", "event", "total")
_TICKET = ("event", "starts", "venue", "ticket_type")
_GOODS = ("code", "goods", "carrier", "tracking")

register(
    Topic(
        "order.paid", _("Your tickets"), BY_MAIL, urgent=True, fixed=True,
        placeholders=(*_ORDER, "tickets", "count"),
        samples={"tickets": _("Your tickets")},
        title=_("{tickets} for {event}"),
        body=_("{greeting}\n\nhere is what you need at the entrance: show each QR code, on paper or on the phone."),
    )
)  # fmt: skip
register(
    Topic(
        "order.goods_paid", _("An order of goods is paid"), BY_MAIL, urgent=True, fixed=True, wish="order.paid",
        placeholders=("code", "total", "goods"),
        title=_("Thank you: order {code}"),
        body=_("{greeting}\n\nthank you for your order."),
    )
)  # fmt: skip
register(
    Topic(
        "order.placed", _("How and until when to pay an order"), BY_MAIL, urgent=True,
        placeholders=(*_ORDER, "until"),
        title=_("Order {code}: please pay"),
        body=_("{greeting}\n\nwe hold the places of your order {code} for you."),
    )
)  # fmt: skip
register(
    Topic(
        "order.cancelled", _("An order is cancelled"), BY_MAIL,
        placeholders=_ORDER,
        title=_("Order {code} is cancelled"),
        body=_("{greeting}\n\nyour order {code} is cancelled."),
    )
)  # fmt: skip
register(
    Topic(
        "order.lines_cancelled", _("Part of an order is cancelled"), BY_MAIL, wish="order.cancelled",
        placeholders=_ORDER,
        title=_("Part of order {code} is cancelled"),
        body=_("{greeting}\n\nthis part of your order {code} is cancelled:"),
    )
)  # fmt: skip
register(
    Topic(
        "order.packed", _("Ordered goods are packed"), BY_MAIL, placeholders=_GOODS,
        title=_("Your goods are packed: order {code}"), body=_("{greeting}\n\nthis is about:"),
    )
)  # fmt: skip
register(
    Topic(
        "order.shipped", _("Ordered goods are on their way"), BY_MAIL, placeholders=_GOODS,
        title=_("Your goods are on their way: order {code}"), body=_("{greeting}\n\nthis is about:"),
    )
)  # fmt: skip
register(
    Topic(
        "order.delivered", _("Ordered goods are delivered"), BY_MAIL, placeholders=_GOODS,
        title=_("Your goods are delivered: order {code}"), body=_("{greeting}\n\nthis is about:"),
    )
)  # fmt: skip
register(
    Topic(
        "order.returned", _("Returned goods have arrived"), BY_MAIL, placeholders=_GOODS,
        title=_("Your goods are back with us: order {code}"), body=_("{greeting}\n\nthis is about:"),
    )
)  # fmt: skip
register(
    Topic(
        "order.refunded", _("Money of an order went back"), BY_MAIL,
        placeholders=(*_ORDER, "amount"),
        title=_("{amount} goes back to you: order {code}"),
        body=_("{greeting}\n\nwe sent {amount} of your order {code} back the way it came. Banks may take some days."),
    )
)  # fmt: skip
register(
    Topic(
        "ticket.received", _("A ticket was passed on to you"), BY_MAIL, urgent=True, fixed=True, wish="order.paid",
        placeholders=(*_TICKET, "who"),
        title=_("A ticket for {event} is yours now"),
        body=_(
            "{greeting}\n\nshow its QR code at the entrance, on paper or on the phone. The earlier code admits "
            "nobody any more."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "ticket.resent", _("A ticket is sent again"), BY_MAIL, urgent=True, fixed=True, wish="order.paid",
        placeholders=_TICKET,
        title=_("Your ticket for {event}"),
        body=_("{greeting}\n\nshow its QR code at the entrance, on paper or on the phone."),
    )
)  # fmt: skip
register(
    Topic(
        "ticket.reissued", _("A ticket has a new code"), BY_MAIL, urgent=True, fixed=True, wish="order.paid",
        placeholders=_TICKET,
        title=_("New code for your ticket: {event}"),
        body=_(
            "{greeting}\n\nplease use only the code in this mail. What you printed or saved before admits nobody "
            "any more."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "ticket.reinstated", _("A ticket is valid again"), BY_MAIL, fixed=True, wish="order.paid",
        placeholders=_TICKET,
        title=_("Your ticket for {event} is valid again"),
        body=_("{greeting}\n\nthe organizer made it good again. Its code is the one that you had."),
    )
)  # fmt: skip
register(
    Topic(
        "ticket.transferred", _("You passed a ticket on"), BY_MAIL, fixed=True, wish="order.paid",
        placeholders=(*_TICKET, "who"),
        title=_("You passed your ticket for {event} on"),
        body=_(
            "{greeting}\n\nthe ticket is somebody else's now, who has a new code. The code that you have admits "
            "nobody any more. Was it not you? Write to the organizer at once."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "ticket.revoked", _("A ticket was withdrawn"), BY_MAIL, fixed=True, wish="order.paid",
        placeholders=_TICKET,
        title=_("Your ticket for {event} was withdrawn"),
        body=_(
            "{greeting}\n\nthe organizer withdrew this ticket: it admits nobody any more. If you do not know "
            "why, please ask them."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "event.changed", _("An event of yours has changed"), BY_MAIL,
        still=still_so,
        placeholders=("event", "starts", "venue", "changes"),
        title=_("What is new: {event}"),
        body=_(
            "{greeting}\n\nsomething changed about {event}, for which you have a ticket.\n\n{changes}\n\nYour "
            "ticket stays good."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "event.postponed", _("An event of yours is postponed"), BY_ALL, urgent=True, fixed=True,
        still=still_so,
        placeholders=("event", "starts", "was", "venue"),
        title=_("{event} is postponed"),
        body=_(
            "{greeting}\n\n{event} does not take place on {was}. The new date is {starts}.\n\nYour ticket stays "
            "good for the new date."
        ),
        short=_("{event} is postponed: {starts}"),
    )
)  # fmt: skip
register(
    Topic(
        "event.cancelled", _("An event of yours does not take place"), BY_ALL, urgent=True, fixed=True,
        still=still_so,
        placeholders=("event", "starts", "venue", "reason"),
        title=_("{event} does not take place"),
        body=_("{greeting}\n\nwe are sorry: {event}, {starts}, does not take place.\n\n{reason}"),
    )
)  # fmt: skip
register(
    Topic(
        "waiting.joined", _("You are on a waiting list"), (EMAIL, FEED), fixed=True, wish="waiting.offered",
        placeholders=("event", "starts", "ticket_type", "quantity"),
        title=_("You are on the waiting list for {event}"),
        body=_(
            "When it is your turn, we hold the places for you and write to you. Whoever came first is served "
            "first."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "waiting.offered", _("Places came free on a waiting list"), BY_ALL, urgent=True,
        placeholders=("event", "starts", "ticket_type", "quantity", "until"),
        title=_("Places for {event}: they are held for you"),
        body=_("Places came free for you. Order until {until}; then the next in line may have them."),
        short=_("Places for {event} are held for you until {until}: {url}"),
    )
)  # fmt: skip
register(
    Topic(
        "waiting.lapsed", _("An offer of a waiting list is over"), (EMAIL, FEED), wish="waiting.offered",
        placeholders=("event", "starts", "ticket_type"),
        title=_("The offer for {event} is over"),
        body=_(
            "Nobody answered in time, so the places went to the next in line. If you still want to come, join "
            "the list again."
        ),
    )
)  # fmt: skip
register(
    Topic(
        "review.answered", _("A review of yours is answered"), BY_MAIL,
        placeholders=("event", "text"),
        title=_("{site} answered your review of {event}"),
        body=_("{greeting}\n\n{site} answered what you wrote about {event}:\n\n{text}"),
    )
)  # fmt: skip
