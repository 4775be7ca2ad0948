"""What people who work here, and those they order from, are told of."""

from django.utils.translation import gettext_lazy as _

from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Topic, register

BY_MAIL = (EMAIL, PUSH, FEED)

register(
    Topic(
        "staff.invited", _("An invitation to work here"), (EMAIL,), urgent=True, fixed=True, hidden=True,
        placeholders=("what", "who"), staff=True,
        title=_("You are invited to work on {what}"),
        body=_("Hello,"),
    )
)  # fmt: skip
register(
    Topic(
        "staff.dispute", _("Staff: a payment is disputed"), BY_MAIL, urgent=True, staff=True,
        placeholders=("code", "amount", "reason", "until"),
        title=_("Order {code}: the payment is disputed"),
        body=_("The bank of the buyer of order {code} wants {amount} back."),
    )
)  # fmt: skip
# The address that the tenant named for orders with goods is no account's: nobody switches this off but the tenant.
register(
    Topic(
        "partner.order", _("Orders with goods, to the address for them"), (EMAIL,), fixed=True, hidden=True,
        placeholders=("news", "code", "goods"), staff=True,
        samples={"news": _("To pack: order K7Q2M")},
        title="{news}",
        body="",
        editable=False,
    )
)  # fmt: skip
register(Topic("staff.test", _("A test mail"), (EMAIL,), fixed=True, hidden=True, staff=True, editable=False))
