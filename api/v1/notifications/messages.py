"""Writing to people: to the holders of an event's tickets, or to one person; and how far that is."""

import uuid
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Cursor
from api.scoping import by_slug_or_id
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.events.models import Event
from tenant_apps.notifications import messages, previews, segments
from tenant_apps.notifications.models import Message
from tenants.context import current_tenant

WIDEST_ID = 2**63 - 1
RIGHT = "send_notifications"


class SegmentInput(serializers.Serializer[Any]):
    """Whose tickets or orders of one event. Without ticket types all of them are meant."""

    event = serializers.CharField(max_length=200)
    order_status = serializers.ChoiceField(choices=list(segments.ORDERS), default=segments.PAID)
    ticket_types = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=WIDEST_ID), required=False, max_length=segments.MOST_TYPES
    )
    attendance = serializers.ChoiceField(choices=list(segments.ATTENDANCE), default=segments.ALL)
    check_in_list = serializers.IntegerField(min_value=1, max_value=WIDEST_ID, required=False, allow_null=True)


class WordsInput(serializers.Serializer[Any]):
    """What it says and which way it goes; `message` and `subject` may name `{placeholders}`."""

    subject = serializers.CharField(max_length=150, required=False, allow_blank=True)
    message = serializers.CharField(max_length=5000)
    channels = serializers.ListField(
        child=serializers.ChoiceField(choices=list(messages.CHANNELS)), required=False, max_length=4
    )


class MessagePreviewInput(WordsInput):
    segment = SegmentInput()


class SendInput(WordsInput):
    """`user` or `segment`. `user_id` and `type` are what older clients send: a channel's name, or any other word."""

    user = serializers.IntegerField(min_value=1, max_value=WIDEST_ID, required=False)
    user_id = serializers.IntegerField(min_value=1, max_value=WIDEST_ID, required=False)
    segment = SegmentInput(required=False)
    type = serializers.CharField(max_length=30, required=False)


class MessageProgressSerializer(serializers.Serializer[Any]):
    """How many people wait, were left out (their ticket or order is no longer what it was, or it was stopped), are on
    their way, have it, could not be reached."""

    waiting = serializers.IntegerField()
    left_out = serializers.IntegerField()
    under_way = serializers.IntegerField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField()
    total = serializers.IntegerField()


class MessageSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(Message.Status.choices)
    event = serializers.CharField(allow_null=True)
    user = serializers.IntegerField(allow_null=True)
    segment = SegmentInput(allow_null=True)
    subject = serializers.CharField()
    message = serializers.CharField()
    channels = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    progress = MessageProgressSerializer()


class TextMessageSizeSerializer(serializers.Serializer[Any]):
    encoding = serializers.ChoiceField(["gsm7", "ucs2"])
    units = serializers.IntegerField()
    parts = serializers.IntegerField()


class MessagePreviewSerializer(serializers.Serializer[Any]):
    """`reader` is who would read it so, or empty where the words are filled in for somebody made up."""

    people = serializers.IntegerField()
    without_address = serializers.IntegerField()
    subject = serializers.CharField()
    message = serializers.CharField()
    reader = serializers.CharField(allow_blank=True)
    channels = serializers.ListField(child=serializers.CharField())
    sms = TextMessageSizeSerializer(allow_null=True)
    sms_left_today = serializers.IntegerField()


def message_json(message: Message) -> dict[str, Any]:
    """A message with its progress."""
    slug = message.event.slug if message.event else None
    return {
        "id": str(message.pk),
        "status": message.status,
        "event": slug,
        "user": message.person,
        "segment": {"event": slug, **message.segment} if slug else None,
        "subject": message.subject,
        "message": message.text,
        "channels": message.channels,
        "created_at": message.created_at,
        "finished_at": message.finished_at,
        "progress": messages.progress(message)._asdict(),
    }


class UserOrSegment(InvalidInput):
    code = "recipient_required"
    message = gettext_lazy("Name either a user or a segment.")


class SendsMessages:
    """The POST of `notifications/`."""

    @extend_schema(operation_id="notifications_create", request=SendInput, responses={202: MessageSerializer})
    @idempotent(required=False)
    def post(self, request: Request) -> Response:
        """Write to one person, or to an event's people in the background; answers the message with its progress."""
        wanted = SendInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        words = words_of(data)
        person = data.get("user", data.get("user_id"))
        if (person is None) == ("segment" not in data):
            raise UserOrSegment(field="user")
        if person is not None:
            # Older clients name a way, or a kind that says nothing of ways.
            kind = data.get("type")
            if words["channels"] is None and kind in messages.offered():
                words["channels"] = [kind]
            sent = messages.to_person(person, actor=request.user, **words)
        else:
            event, segment = segment_of(data["segment"])
            sent = messages.start(event, segment, actor=request.user, **words)
        location = f"/api/v1/notifications/messages/{sent.pk}/"
        return Response(message_json(sent), status=202, headers={"Location": location})


def words_of(data: dict[str, Any]) -> dict[str, Any]:
    subject = data.get("subject", "").strip() or _("News from {site}").format(site=current_tenant().name)
    return {"subject": subject, "text": data["message"], "channels": data.get("channels")}


def segment_of(data: dict[str, Any]) -> tuple[Event, segments.Segment]:
    """The event and who of its people; what is not here does not exist (I2)."""
    event = Event.objects.select_related("venue").filter(by_slug_or_id(data["event"])).first()
    if event is None:
        missing = _("There is no such event.")
        raise InvalidInput(errors=[FieldError("segment.event", "does_not_exist", missing)])
    return event, segments.checked(event, data, prefix="segment.")


class MessagesView(APIView):
    """What staff wrote, the last first."""

    permissions = {"get": RIGHT}
    parameters: ClassVar[frozenset[str]] = frozenset({"event"})

    @extend_schema(operation_id="notification_messages_list", responses=MessageSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = Message.objects.select_related("event").order_by("-created_at", "-pk")
        if "event" in request.query_params:
            found = found.filter(event__in=Event.objects.filter(by_slug_or_id(request.query_params["event"])))
        pages = _ByTime()
        page: Any = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response([message_json(each) for each in page or []])


class _ByTime(Cursor):
    ordering = ("-created_at", "-pk")


class MessageView(APIView):
    """One message, and how far it is."""

    permissions = {"get": RIGHT}

    @extend_schema(operation_id="notification_messages_retrieve", responses=MessageSerializer)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(message_json(_message(pk)))


class StopMessageView(APIView):
    """Send it to nobody else. Twice is once."""

    permissions = {"post": RIGHT}

    @extend_schema(operation_id="notification_messages_stop", request=None, responses=MessageSerializer)
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(message_json(messages.stop(_message(pk), actor=request.user)))


class PreviewView(APIView):
    """What would be sent, as one of its readers sees it, and to how many."""

    permissions = {"post": RIGHT}

    @extend_schema(
        operation_id="notification_messages_preview", request=MessagePreviewInput, responses=MessagePreviewSerializer
    )
    def post(self, request: Request) -> Response:
        wanted = MessagePreviewInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        event, segment = segment_of(wanted.validated_data["segment"])
        shown = previews.preview(event, segment, actor=request.user, **words_of(wanted.validated_data))
        return Response(
            {
                "people": shown.people,
                "without_address": shown.without_address,
                "subject": shown.subject,
                "message": shown.text,
                "reader": shown.reader,
                "channels": shown.channels,
                "sms": shown.sms._asdict() if shown.sms else None,
                "sms_left_today": shown.sms_left,
            }
        )


def _message(pk: uuid.UUID) -> Message:
    found = Message.objects.select_related("event").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
