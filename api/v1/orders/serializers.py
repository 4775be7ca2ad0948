"""The shapes of orders: what may be sent, and what is documented of the answers."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import PlainTextField
from api.v1.ticketing.serializers import HolderSerializer
from tenant_apps.events.details import MOST as MOST_QUESTIONS
from tenant_apps.events.details import MOST_CHOICES
from tenant_apps.orders.cart_checkout import basket_of
from tenant_apps.orders.checkout import Attendee, Basket, BasketLine
from tenant_apps.orders.goods import Delivery
from tenant_apps.orders.models import Cart, Order
from tenant_apps.payments.models import Dispute

# On one line. What a type, a variant or the tenant allows, checkout decides.
MOST_TICKETS = 500
MOST_PIECES = 100_000


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "array", "items": {"type": "string"}},
        ],
        "nullable": True,
    }
)
class AnswerField(serializers.Field[Any, Any, Any, Any]):
    """Text, a number, true or false, or a list of texts; what fits the question, checkout decides."""

    default_error_messages = {"invalid": _("Answer with text, a number, true or false, or a list of texts.")}

    def to_internal_value(self, data: Any) -> Any:
        texts = data if isinstance(data, list) and len(data) <= MOST_CHOICES else [data]
        if any(not isinstance(each, str | int | float | bool) or len(str(each)) > 1100 for each in texts):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class AttendeeInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    # By the question's id as text: {"12": "vegetarian", "13": true}.
    answers = serializers.DictField(child=AnswerField(allow_null=True), required=False)

    def validate_answers(self, given: dict[str, Any]) -> dict[str, Any]:
        if len(given) > MOST_QUESTIONS:
            raise serializers.ValidationError(_("These are too many answers."))
        return given


class WishInput(serializers.Serializer[Any]):
    """Tickets of a type, or pieces of a variant of goods. No price but where buyers say it (M6, I9)."""

    ticket_type = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    variant = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_PIECES, default=1)
    price = serializers.CharField(
        max_length=30,
        required=False,
        allow_null=True,
        help_text="Only where buyers say the price: what each of these tickets costs.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ticket_type" in attrs) == ("variant" in attrs):
            raise serializers.ValidationError({"ticket_type": [_("Name a ticket type or a variant of goods.")]})
        if "ticket_type" in attrs and attrs["quantity"] > MOST_TICKETS:
            raise serializers.ValidationError(
                {"quantity": [_("One line takes at most %(most)s tickets.") % {"most": MOST_TICKETS}]}
            )
        return attrs


class BasketLineInput(WishInput):
    """Tickets of a type, or pieces of a variant of goods."""

    attendees = serializers.ListField(child=AttendeeInput(), required=False, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if len(attrs.get("attendees", ())) > attrs["quantity"]:
            raise serializers.ValidationError({"attendees": [_("There are more attendees than tickets.")]})
        return attrs


def basket_line(line: dict[str, Any]) -> BasketLine:
    """A valid BasketLineInput as checkout takes it."""
    return BasketLine(
        ticket_type=line.get("ticket_type"),
        variant=line.get("variant"),
        quantity=line["quantity"],
        price=line.get("price"),
        attendees=[Attendee(**attendee) for attendee in line.get("attendees", ())],
    )


class DeliveryInput(serializers.Serializer[Any]):
    """Where goods go. `method` is the id of a way of delivery (`GET /delivery-methods/`)."""

    method = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False, allow_null=True)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True)
    country = serializers.CharField(max_length=80, required=False, allow_blank=True)
    city = serializers.CharField(max_length=100, required=False, allow_blank=True)
    street = serializers.CharField(max_length=150, required=False, allow_blank=True)
    house = serializers.CharField(max_length=20, required=False, allow_blank=True)
    apartment = serializers.CharField(max_length=20, required=False, allow_blank=True)
    postcode = serializers.CharField(max_length=20, required=False, allow_blank=True)
    comment = serializers.CharField(max_length=300, required=False, allow_blank=True)


class OrderInput(serializers.Serializer[Any]):
    """`POST /orders/`. No price is taken from clients but a line's where buyers say it; what else is sent is ignored
    (M6, I9)."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    lines = serializers.ListField(child=BasketLineInput(), allow_empty=False, max_length=100, required=False)
    # Instead of lines: the token of a cart, whose lines and holds the order takes. `attendees` by their line's id.
    cart = serializers.CharField(max_length=100, required=False)
    attendees = serializers.DictField(
        child=serializers.ListField(child=AttendeeInput(), max_length=500), required=False
    )
    delivery = DeliveryInput(required=False, allow_null=True)
    voucher = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True, default="")
    provider = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    # The ids of the texts that the buyer agrees to (`GET /legal-texts/`); the required ones must be among them.
    agreed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=50
    )
    test_outcome = serializers.ChoiceField(["succeed", "decline", "pending"], required=False)
    # Stripe: "element" answers a client_secret for a payment form of one's own, else a redirect_url to Stripe's page.
    flow = serializers.ChoiceField(["checkout", "element"], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lines" in attrs) == ("cart" in attrs):
            raise serializers.ValidationError({"lines": [_("Send either lines or the token of a cart.")]})
        return attrs

    def cart_basket(self, cart: Cart, *, language: str) -> Basket:
        """The basket of the cart that was named."""
        return basket_of(
            cart,
            attendees={
                line: [Attendee(**attendee) for attendee in some]
                for line, some in self.validated_data.get("attendees", {}).items()
            },
            **self._common(language),
        )

    def _common(self, language: str) -> dict[str, Any]:
        data = self.validated_data
        return {
            "email": data["email"],
            "name": data["name"],
            "delivery": Delivery(**data["delivery"]) if data.get("delivery") else None,
            "voucher": data["voucher"] or "",
            "provider": data["provider"],
            "language": language,
            "agreed": data.get("agreed", ()),
            "options": {name: data[name] for name in ("test_outcome", "flow") if name in data},
        }

    def basket(self, *, language: str) -> Basket:
        data = self.validated_data
        return Basket(
            lines=[basket_line(line) for line in data["lines"]],
            **self._common(language),
        )


class ContactInput(serializers.Serializer[Any]):
    """`PATCH /orders/{code}/`: contact data only."""

    email = serializers.EmailField(max_length=254, required=False)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True)


class ReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class RefundInput(ReasonInput):
    """All that is left, an `amount`, or `lines`, which end with that: their tickets are refunded ones."""

    amount = serializers.DecimalField(max_digits=17, decimal_places=3, required=False)
    lines = serializers.ListField(child=serializers.UUIDField(), required=False, allow_empty=False, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "lines" in attrs and "amount" in attrs:
            raise serializers.ValidationError({"amount": [_("Give the amount or the lines, not both.")]})
        return attrs


class PaymentInput(serializers.Serializer[Any]):
    """`POST /payments/`."""

    order = serializers.CharField(max_length=12)
    provider = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    test_outcome = serializers.ChoiceField(["succeed", "decline", "pending"], required=False)
    # Stripe: "element" answers a client_secret for a payment form of one's own, else a redirect_url to Stripe's page.
    flow = serializers.ChoiceField(["checkout", "element"], required=False)


class OutcomeInput(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(["succeed", "decline", "pending"], default="succeed")


class AnswerSerializer(serializers.Serializer[Any]):
    """What an attendee answered, with the question as it was asked."""

    question = serializers.IntegerField()
    text = serializers.CharField()
    answer = AnswerField()


class AppliedSerializer(serializers.Serializer[Any]):
    """What one discount or voucher took off."""

    kind = serializers.ChoiceField(["discount", "voucher"])
    name = serializers.CharField()
    amount = serializers.CharField()


class FeeSerializer(serializers.Serializer[Any]):
    """A fee that the buyer pays on top; the amount contains the tax."""

    kind = serializers.ChoiceField(["service", "platform"])
    name = serializers.CharField()
    amount = serializers.CharField()
    tax = serializers.CharField()


class OrderLineSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(["ticket", "product"])
    title = serializers.CharField()
    event = serializers.CharField(allow_null=True)
    ticket_type = serializers.IntegerField(allow_null=True)
    variant = serializers.IntegerField(allow_null=True)
    fulfilment = serializers.CharField(
        allow_null=True, help_text="Goods: unpacked, packed, shipped, delivered or returned."
    )
    unit_price = serializers.CharField()
    discount = serializers.CharField()
    applied = AppliedSerializer(many=True, help_text="What the discount is made of.")
    tax = serializers.CharField()
    tax_included = serializers.BooleanField(help_text="False: the tax was added to the price.")
    tier = serializers.CharField(help_text="The price tier that gave the price; empty for the regular one.")
    total = serializers.CharField()
    currency = serializers.CharField()
    quantity = serializers.IntegerField()
    ticket = serializers.UUIDField(allow_null=True)
    attendee = HolderSerializer()
    answers = AnswerSerializer(many=True)
    status = serializers.ChoiceField(["active", "cancelled"])


class OrderTicketSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField(allow_null=True, help_text="The text of its QR code; null for staff.")
    status = serializers.CharField()
    event = serializers.CharField()
    ticket_type = serializers.IntegerField()
    holder = HolderSerializer()


class PaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    provider = serializers.CharField()
    status = serializers.CharField()
    amount = serializers.CharField()
    refunded = serializers.CharField()
    currency = serializers.CharField()
    redirect_url = serializers.CharField(required=False, allow_null=True)
    client_secret = serializers.CharField(required=False, allow_null=True)


class DisputeSerializer(serializers.Serializer[Any]):
    """`withdrawn`: the provider has taken the money out of the account for now, or for good."""

    id = serializers.UUIDField()
    payment = serializers.UUIDField()
    status = serializers.ChoiceField(Dispute.Status.choices)
    reason = serializers.CharField()
    amount = serializers.CharField()
    currency = serializers.CharField()
    withdrawn = serializers.BooleanField()
    answer_by = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ParcelSerializer(serializers.Serializer[Any]):
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    shipped_at = serializers.DateTimeField()
    lines = serializers.ListField(child=serializers.UUIDField())


class OrderSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    status = serializers.ChoiceField(Order.Status.choices)
    email = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    subtotal = serializers.CharField()
    discount = serializers.CharField()
    tax = serializers.CharField()
    fees = serializers.CharField()
    fee_lines = FeeSerializer(many=True, help_text="What the fees are made of.")
    voucher = serializers.CharField(allow_null=True)
    delivery_total = serializers.CharField()
    total = serializers.CharField()
    refunded = serializers.CharField()
    delivery = serializers.JSONField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    events = serializers.ListField(child=serializers.CharField())
    lines = OrderLineSerializer(many=True)
    tickets = OrderTicketSerializer(many=True)
    payments = PaymentSerializer(many=True)
    disputes = DisputeSerializer(many=True, required=False, help_text="For staff who see the whole order.")
    parcels = serializers.ListField(
        child=ParcelSerializer(), required=False, help_text="What was shipped; only with goods, and not in lists."
    )


class PlacedOrderSerializer(OrderSerializer):
    secret = serializers.CharField(help_text="Opens this order to whoever holds it; given once.")
    payment = PaymentSerializer(allow_null=True)


class LineCancellationSerializer(serializers.Serializer[Any]):
    """What one line's end comes to: by how much the order gets cheaper, and how much of that comes back."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    released = serializers.CharField(help_text="Less than the line's total where others lose a discount with it.")
    refund = serializers.CharField(help_text="By the event's refund rule.")
    currency = serializers.CharField()


class CancellationSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)
    whole = serializers.BooleanField(help_text="Nothing is left: the order itself would be cancelled.")
    total = serializers.CharField(help_text="What the order costs now, without lines that were cancelled before.")
    total_after = serializers.CharField()
    refund = serializers.CharField()
    currency = serializers.CharField()
    lines = LineCancellationSerializer(many=True)


class AttendeeChangeInput(serializers.Serializer[Any]):
    name = PlainTextField(max_length=150, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)


class LineChangeInput(serializers.Serializer[Any]):
    """`PATCH /orders/{code}/lines/{id}/`: who comes with the ticket; nothing else of a line can be changed (M6)."""

    attendee = AttendeeChangeInput()


class NoteInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=2000)


class NoteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()


class AddressInput(serializers.Serializer[Any]):
    """An address kept for the next delivery."""

    name = PlainTextField(max_length=150)
    phone = PlainTextField(max_length=30, required=False, allow_blank=True)
    country = PlainTextField(max_length=80, required=False, allow_blank=True)
    city = PlainTextField(max_length=100)
    street = PlainTextField(max_length=150)
    house = PlainTextField(max_length=20, required=False, allow_blank=True)
    apartment = PlainTextField(max_length=20, required=False, allow_blank=True)
    postcode = PlainTextField(max_length=20, required=False, allow_blank=True)
    comment = PlainTextField(max_length=300, required=False, allow_blank=True)


class AddressSerializer(AddressInput):
    id = serializers.IntegerField()
