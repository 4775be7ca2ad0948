"""The shapes of events: what may be sent, and what is documented of the answers."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from api.pictures import PictureSerializer
from api.v1.events.fields import BIGGEST_INTEGER, TimeInput
from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import TicketType

# Names that older clients use for ours.
OLDER = {"date": "starts_at", "start_time": "starts_at", "end_time": "ends_at"}
SEATS = ("max_participants", "seats")


class NamedSerializer(serializers.Serializer[Any]):
    """A category or tag."""

    id = serializers.IntegerField(read_only=True)
    slug = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=80)


class TagSerializer(NamedSerializer):
    name = serializers.CharField(max_length=60)


class TagLink(serializers.Serializer[Any]):
    """A tag as an event shows it."""

    slug = serializers.CharField()
    name = serializers.CharField()


class VenueSerializer(NamedSerializer):
    name = serializers.CharField(max_length=150)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True)
    city = serializers.CharField(max_length=80, required=False, allow_blank=True)
    latitude = serializers.DecimalField(9, 6, required=False, allow_null=True)
    longitude = serializers.DecimalField(9, 6, required=False, allow_null=True)
    timezone = serializers.CharField(max_length=63, required=False, allow_blank=True)
    capacity = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False, allow_null=True)
    accessibility = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class ContactSerializer(serializers.Serializer[Any]):
    """Whom to ask about the event."""

    name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    url = serializers.CharField(max_length=500, required=False, allow_blank=True)


class RefundTierSerializer(serializers.Serializer[Any]):
    """Until so many days before the start so many per cent come back."""

    days = serializers.IntegerField(min_value=0, max_value=3650)
    percent = serializers.IntegerField(min_value=0, max_value=100)


class RefundRuleSerializer(serializers.Serializer[Any]):
    """`tiers` null: no rule, all comes back as long as one may cancel. `own`: the event's, else the tenant's."""

    own = serializers.BooleanField()
    tiers = RefundTierSerializer(many=True, allow_null=True)
    words = serializers.ListField(child=serializers.CharField())


class PriceTierSerializer(serializers.Serializer[Any]):
    """A price until a time or for so many tickets: an early bird."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    price = serializers.CharField()
    currency = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    left = serializers.IntegerField(allow_null=True, help_text="Tickets at this price; null: only time ends it.")
    quantity = serializers.IntegerField(allow_null=True, required=False, help_text="For staff.")


class TicketTypeSerializer(serializers.Serializer[Any]):
    """What is on sale. `price` is that of this moment, with the tier in force, or the least that buyers may pay.

    `available` is how many places are left; null means that there is no limit, or that more are left than the
    organizer tells of (`show_stock_below`); `sold_out` tells the truth in either case.
    """

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    price = serializers.CharField()
    currency = serializers.CharField()
    price_kind = serializers.ChoiceField(TicketType.PriceKind.choices)
    regular_price = serializers.CharField(help_text="What it costs when no tier is in force.")
    suggested_price = serializers.CharField(allow_null=True)
    total_price = serializers.CharField(help_text="What one costs with the tax, whether the price contains it or not.")
    tier = serializers.IntegerField(allow_null=True, help_text="The tier in force.")
    tiers = PriceTierSerializer(many=True)
    tax_rate = serializers.CharField()
    tax_included = serializers.BooleanField()
    sale_starts_at = serializers.DateTimeField(allow_null=True)
    sale_ends_at = serializers.DateTimeField(allow_null=True)
    min_per_order = serializers.IntegerField()
    max_per_order = serializers.IntegerField()
    max_per_person = serializers.IntegerField(allow_null=True)
    hidden = serializers.BooleanField()
    position = serializers.IntegerField()
    available = serializers.IntegerField(allow_null=True)
    sold_out = serializers.BooleanField()
    show_stock_below = serializers.IntegerField(allow_null=True)
    cancel_allowed = serializers.BooleanField()
    cancel_until = serializers.DateTimeField(allow_null=True)
    transfer_allowed = serializers.BooleanField()
    transfer_until = serializers.DateTimeField(allow_null=True)
    waiting_list = serializers.BooleanField(help_text="Whether people may wait for it when it is sold out.")
    on_sale = serializers.BooleanField(help_text="Its sale window is open and the event takes orders.")
    door_note = serializers.CharField(required=False, help_text="For staff: what the door is told of its tickets.")


class EventSerializer(serializers.Serializer[Any]):
    """An event. `available` tells whether a place can be bought now."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    description = serializers.CharField()
    status = serializers.ChoiceField(Event.Status.choices)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    category = NamedSerializer(allow_null=True)
    venue = VenueSerializer(allow_null=True)
    tags = TagLink(many=True)
    level = serializers.CharField()
    cancel_until = serializers.DateTimeField(allow_null=True)
    attendance = serializers.ChoiceField(Event.Attendance.choices)
    online_url = serializers.CharField(required=False, help_text="For staff; holders find it with their tickets.")
    contact = ContactSerializer()
    previous_starts_at = serializers.DateTimeField(allow_null=True)
    refund_rule = RefundRuleSerializer()
    series = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    price_from = serializers.CharField(allow_null=True)
    price_to = serializers.CharField(allow_null=True)
    available = serializers.BooleanField()
    rating = serializers.FloatField(allow_null=True)
    reviews_count = serializers.IntegerField()
    likes = serializers.IntegerField()
    media = PictureSerializer(many=True)
    ticket_types = TicketTypeSerializer(many=True)
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()


class EventInput(serializers.Serializer[Any]):
    """What staff send. Times without an offset are local to the event; category, venue and tags are slugs.

    Older clients' names are taken too: `date` or `start_time`, `location` (a venue's name), and `max_participants`
    or `seats`, which make one free ticket type with that many places.
    """

    title = serializers.CharField(max_length=200)
    summary = serializers.CharField(max_length=300, required=False, allow_blank=True)
    description = serializers.CharField(max_length=50_000, required=False, allow_blank=True)
    starts_at = TimeInput(required=False)
    ends_at = TimeInput(required=False, allow_null=True)
    timezone = serializers.CharField(max_length=63, required=False)
    currency = serializers.CharField(max_length=3, required=False)
    category = serializers.CharField(max_length=60, required=False, allow_null=True, allow_blank=True)
    venue = serializers.CharField(max_length=80, required=False, allow_null=True, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=20)
    level = serializers.CharField(max_length=20, required=False, allow_blank=True)
    cancel_until = TimeInput(required=False, allow_null=True)
    attendance = serializers.ChoiceField(Event.Attendance.choices, required=False)
    online_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    contact = ContactSerializer(required=False)
    refund_tiers = RefundTierSerializer(many=True, required=False, allow_null=True, max_length=10)  # type: ignore[call-arg]  # the list's own
    external_id = serializers.CharField(max_length=100, required=False, allow_null=True, allow_blank=True)
    date = TimeInput(required=False)
    start_time = TimeInput(required=False)
    end_time = TimeInput(required=False, allow_null=True)
    location = serializers.CharField(max_length=150, required=False, allow_blank=True)
    max_participants = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False)
    seats = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for older, ours in OLDER.items():
            if older in attrs:
                attrs.setdefault(ours, attrs[older])
                del attrs[older]
        location = attrs.pop("location", None)
        if location:
            attrs.setdefault("venue", {"name": location})
        if not self.partial and not attrs.get("starts_at"):
            raise serializers.ValidationError({"starts_at": [_("This field is required.")]}, code="required")
        return attrs

    def split(self) -> tuple[dict[str, Any], int | None]:
        """Return the event's own fields, and the number of places that an older client gave."""
        fields = dict(self.validated_data)
        fields |= {f"contact_{name}": value for name, value in fields.pop("contact", {}).items()}
        if fields.get("refund_tiers") is not None:
            fields["refund_tiers"] = [dict(tier or {}) for tier in fields["refund_tiers"]]
        places = [fields.pop(name) for name in SEATS if name in fields]
        return fields, places[0] if places else None


class CancelInput(serializers.Serializer[Any]):
    """`refund`: everybody's money goes back, in the background. Left out, it does if the caller may give money back."""

    refund = serializers.BooleanField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PostponeInput(serializers.Serializer[Any]):
    starts_at = TimeInput()
    ends_at = TimeInput(required=False, allow_null=True, default=None)


class DuplicateInput(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200, required=False)
    starts_at = TimeInput(required=False)
    ends_at = TimeInput(required=False, allow_null=True)
