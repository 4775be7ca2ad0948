"""The shapes of tickets, check-in lists and scans."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from api.v1.events.fields import TimeInput, row_id
from tenant_apps.ticketing.by_hand import LONGEST_REASON
from tenant_apps.ticketing.entrances import MOST_PEOPLE
from tenant_apps.ticketing.models import CheckIn, CheckInList, OfflineScan, Ticket
from tenant_apps.ticketing.scanning import MOST_SCANS, REASONS


@extend_schema_serializer(component_name="TicketHolder")
class HolderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    email = serializers.CharField()


class TicketSerializer(serializers.Serializer[Any]):
    """A ticket; `code` is the text of its QR code, null for whoever passed the ticket on. It may be passed on until
    `transfer_until`; null: never."""

    id = serializers.UUIDField()
    code = serializers.CharField(allow_null=True)
    short_code = serializers.CharField()
    status = serializers.ChoiceField(Ticket.Status.choices)
    holder = HolderSerializer()
    event = serializers.CharField()
    event_title = serializers.CharField()
    starts_at = serializers.DateTimeField()
    timezone = serializers.CharField()
    ticket_type = serializers.IntegerField()
    ticket_type_name = serializers.CharField()
    price = serializers.CharField()
    currency = serializers.CharField()
    transfer_until = serializers.DateTimeField(allow_null=True)
    order = serializers.CharField(allow_null=True)
    seat = serializers.CharField()
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)


class TransferInput(serializers.Serializer[Any]):
    """Whose the ticket is to be."""

    name = serializers.CharField(max_length=150)
    email = serializers.EmailField(max_length=254)


@extend_schema_serializer(component_name="TicketRenameHolder")
class _NameInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=150)


@extend_schema_serializer(component_name="TicketRename")
class RenameInput(serializers.Serializer[Any]):
    """The name alone: for another address, pass the ticket on."""

    holder = _NameInput()


class RevokeInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class HeldTicketSerializer(serializers.Serializer[Any]):
    """One holder of a place; `ticket` is what they had."""

    ticket = serializers.UUIDField()
    short_code = serializers.CharField()
    status = serializers.ChoiceField(Ticket.Status.choices)
    holder = HolderSerializer()
    since = serializers.DateTimeField()


class TicketActSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    topic = serializers.CharField()
    actor = serializers.CharField()
    reason = serializers.CharField()


class TicketScanSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    check_in_list = serializers.IntegerField()
    list_name = serializers.CharField()
    direction = serializers.ChoiceField(CheckIn.Direction.choices)
    result = serializers.ChoiceField(CheckIn.Result.choices)
    reason = serializers.CharField()
    undone_at = serializers.DateTimeField(allow_null=True)


class TicketHistorySerializer(serializers.Serializer[Any]):
    """Through whose hands a ticket went (the first holder first), what was done to it, and its scans."""

    holders = HeldTicketSerializer(many=True)
    acts = TicketActSerializer(many=True)
    scans = TicketScanSerializer(many=True)


class EventKeySerializer(serializers.Serializer[Any]):
    """A key that signs codes (`signs`), or did. `tickets` good ones may be out with a code of it."""

    key_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    signs = serializers.BooleanField()
    tickets = serializers.IntegerField()


class RevocationsSerializer(serializers.Serializer[Any]):
    """`tokens` and `restored`: 16 bytes for each ticket, one after another, in base64url without padding. `keys`: what
    these signed is not to be believed. `more`: ask again at once."""

    tokens = serializers.CharField()
    count = serializers.IntegerField()
    restored = serializers.CharField()
    keys = serializers.ListField(child=serializers.CharField())
    until = serializers.DateTimeField()
    more = serializers.BooleanField()


class ScannedTicketSerializer(serializers.Serializer[Any]):
    """What the door sees of a ticket."""

    id = serializers.UUIDField()
    short_code = serializers.CharField()
    status = serializers.ChoiceField(Ticket.Status.choices)
    holder = HolderSerializer()
    ticket_type = serializers.IntegerField()
    ticket_type_name = serializers.CharField()
    seat = serializers.CharField()


class CheckInListSerializer(serializers.Serializer[Any]):
    """The tickets that one entrance accepts; a list without ticket types accepts all of its event."""

    id = serializers.IntegerField(read_only=True)
    event = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=100)
    ticket_types = serializers.ListField(child=row_id(), required=False, max_length=200)
    gate = serializers.CharField(max_length=60, required=False, allow_blank=True)
    zone = row_id(required=False, allow_null=True)
    day = serializers.DateField(required=False, allow_null=True)
    # The hour at which a day begins: at 5 whoever comes at 2 in the night belongs to the evening before.
    day_starts = serializers.IntegerField(min_value=0, max_value=23, required=False)
    opens_at = TimeInput(required=False, allow_null=True)
    closes_at = TimeInput(required=False, allow_null=True)
    entries = serializers.ChoiceField(CheckInList.Entries.choices, required=False)
    directions = serializers.ChoiceField(CheckInList.Directions.choices, required=False)


@extend_schema_serializer(component_name="CheckInZone")
class ZoneSerializer(serializers.Serializer[Any]):
    """What check-in lists lead into, and how many people it may hold; `capacity` null means no limit."""

    id = serializers.IntegerField(read_only=True)
    event = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=100)
    capacity = serializers.IntegerField(min_value=0, max_value=MOST_PEOPLE, required=False, allow_null=True)
    inside = serializers.IntegerField(read_only=True)
    free = serializers.IntegerField(read_only=True, allow_null=True)
    lists = serializers.ListField(child=serializers.IntegerField(), read_only=True)


@extend_schema_serializer(component_name="EmptiedCheckInZone")
class EmptiedSerializer(ZoneSerializer):
    """The zone after everybody in it was counted as gone, and how many they were."""

    gone = serializers.IntegerField(read_only=True)


class MinuteSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    came = serializers.IntegerField()
    left = serializers.IntegerField()


@extend_schema_serializer(component_name="CheckInZoneNumbers")
class ZoneNumbersSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    capacity = serializers.IntegerField(allow_null=True)
    inside = serializers.IntegerField()


class ListNumbersSerializer(serializers.Serializer[Any]):
    """How many tickets are expected, how many arrived, how many are inside now; `per_minute` is the last 60 seconds,
    `minutes` the last hour. Up to a second old."""

    id = serializers.IntegerField()
    event = serializers.CharField()
    name = serializers.CharField()
    expected = serializers.IntegerField()
    arrived = serializers.IntegerField()
    inside = serializers.IntegerField()
    per_minute = serializers.IntegerField()
    refused = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)
    zone = ZoneNumbersSerializer(allow_null=True)
    minutes = MinuteSerializer(many=True)


class OneScan(serializers.Serializer[Any]):
    """`scan_id` is the scanner's own name for this reading: sent again, it gets the first answer again."""

    code = serializers.CharField(max_length=4096, allow_blank=True, trim_whitespace=False)
    scan_id = serializers.RegexField(r"\A[!-~]{1,64}\Z")
    scanned_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    direction = serializers.ChoiceField(CheckIn.Direction.choices, default="in")
    decided = serializers.ChoiceField(
        [*CheckIn.Result.choices, ("", "")],
        default="",
        help_text="What the scanner had told people by itself while it was offline.",
    )


class ScanInput(OneScan):
    """One scan, as it happens. `sent_at` is the scanner's clock as it sends: a wrong one is put right by it."""

    sent_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class OfflineInput(serializers.Serializer[Any]):
    """What a device without network knew when it decided. `clock_ahead`: seconds its clock was ahead of ours."""

    reason = serializers.ChoiceField([(name, name) for name in REASONS], required=False, allow_blank=True, default="")
    device = serializers.RegexField(r"\A[!-~]{1,36}\Z", required=False, allow_blank=True, default="")
    listed_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    clock_ahead = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1, default=0)


class LateScanInput(OneScan):
    """A scan as a device sends it that was offline: with what it told people (`decided`), and what it knew."""

    offline = OfflineInput(required=False, allow_null=True, default=None)


class ScansInput(serializers.Serializer[Any]):
    sent_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    scans = LateScanInput(many=True, allow_empty=False, max_length=MOST_SCANS)  # type: ignore[call-arg]  # the list's own limits, which the stubs leave out


class ScanSerializer(serializers.Serializer[Any]):
    """`attention` is what people at the door look at besides; `conflict`: an offline scanner had told them otherwise;
    `clock_off`: by how many seconds the scanner's clock is behind ours, where it is worth setting."""

    scan_id = serializers.CharField()
    result = serializers.ChoiceField(CheckIn.Result.choices)
    reason = serializers.ChoiceField([(name, name) for name in REASONS], required=False)
    message = serializers.CharField()
    direction = serializers.ChoiceField(CheckIn.Direction.choices)
    scanned_at = serializers.DateTimeField()
    admitted_at = serializers.DateTimeField(required=False)
    repeated = serializers.BooleanField()
    undone_at = serializers.DateTimeField(allow_null=True)
    conflict = serializers.BooleanField()
    attention = serializers.ListField(child=serializers.CharField())
    clock_off = serializers.IntegerField(required=False)
    ticket = ScannedTicketSerializer(required=False, allow_null=True)


class LateScanSerializer(ScanSerializer):
    """`contradiction` says how the scanner's answer and ours differ where `conflict` says that they do."""

    contradiction = serializers.ChoiceField(OfflineScan.Conflict.choices, allow_blank=True)


class ScansSerializer(serializers.Serializer[Any]):
    results = LateScanSerializer(many=True)


class ListedTicketSerializer(serializers.Serializer[Any]):
    """A ticket as a device holds it. `digest`: half of the SHA-256 of the code's token, in base64url; `retired`: those
    of codes that it had before."""

    id = serializers.UUIDField()
    digest = serializers.CharField()
    retired = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(Ticket.Status.choices)
    ticket_type = serializers.IntegerField()
    holder = serializers.CharField()
    seat = serializers.CharField()
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    inside_since = serializers.DateTimeField(allow_null=True)
    last_in_at = serializers.DateTimeField(allow_null=True)


class HeldNameSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class HeldTypeSerializer(HeldNameSerializer):
    note = serializers.CharField()


class HeldRulesSerializer(serializers.Serializer[Any]):
    """What a list asks besides the ticket: it is open in [open_from, open_until)."""

    directions = serializers.ChoiceField(CheckInList.Directions.choices)
    entries = serializers.ChoiceField(CheckInList.Entries.choices)
    day_starts = serializers.IntegerField()
    open_from = serializers.DateTimeField(allow_null=True)
    open_until = serializers.DateTimeField(allow_null=True)


class HeldEventSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    title = serializers.CharField()
    status = serializers.CharField()
    starts_at = serializers.DateTimeField()
    timezone = serializers.CharField()


class HeldKeySerializer(serializers.Serializer[Any]):
    key_id = serializers.CharField()
    public_key = serializers.CharField()
    revoked = serializers.BooleanField()


class ListedTicketsSerializer(serializers.Serializer[Any]):
    """A part of a list for a device without network. `complete`: all tickets follow, not only what changed."""

    list = HeldNameSerializer()
    event = HeldEventSerializer()
    rules = HeldRulesSerializer()
    ticket_types = HeldTypeSerializer(many=True)
    keys = HeldKeySerializer(many=True)
    generated_at = serializers.DateTimeField()
    use_until = serializers.DateTimeField()
    since = serializers.DateTimeField(allow_null=True)
    complete = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)
    results = ListedTicketSerializer(many=True)


class DoorAnswerSerializer(serializers.Serializer[Any]):
    result = serializers.ChoiceField(CheckIn.Result.choices)
    reason = serializers.CharField()


class ConflictTicketSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    short_code = serializers.CharField()
    holder = serializers.CharField()
    ticket_type_name = serializers.CharField()


class ScanConflictSerializer(serializers.Serializer[Any]):
    """What a device told at the door, and what we say about the same scan."""

    scan_id = serializers.CharField()
    contradiction = serializers.ChoiceField(OfflineScan.Conflict.choices)
    told = DoorAnswerSerializer()
    decided = DoorAnswerSerializer()
    direction = serializers.ChoiceField(CheckIn.Direction.choices)
    scanned_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    listed_at = serializers.DateTimeField(allow_null=True)
    clock_ahead = serializers.IntegerField()
    device = serializers.CharField()
    seen_at = serializers.DateTimeField(allow_null=True)
    ticket = ConflictTicketSerializer(allow_null=True)


class FoundTicketSerializer(ScannedTicketSerializer):
    """A ticket that was looked up at the door."""

    accepted = serializers.BooleanField()
    # Since when its holder is inside by this list or its zone.
    standing_since = serializers.DateTimeField(allow_null=True)


class FoundTicketsSerializer(serializers.Serializer[Any]):
    results = FoundTicketSerializer(many=True)


class ByHandInput(serializers.Serializer[Any]):
    """`reason` is why the code is not scanned, in words."""

    ticket = serializers.UUIDField()
    reason = serializers.CharField(max_length=LONGEST_REASON)
    direction = serializers.ChoiceField(CheckIn.Direction.choices, default="in")
    scan_id = serializers.RegexField(r"\A[!-~]{1,64}\Z", required=False)


@extend_schema_serializer(component_name="CheckIn")
class CheckInSerializer(serializers.Serializer[Any]):
    """One answer of the list, as the history shows it."""

    id = serializers.UUIDField()
    scan_id = serializers.CharField()
    result = serializers.ChoiceField(CheckIn.Result.choices)
    reason = serializers.CharField()
    direction = serializers.ChoiceField(CheckIn.Direction.choices)
    scanned_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    note = serializers.CharField()
    by = serializers.CharField()
    left_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.CharField()
    ticket = ScannedTicketSerializer(allow_null=True)
