"""What people are told, over JSON: their feed, the tenant's words, and its sender."""

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Cursor
from api.permissions import SIGNED_IN
from api.v1.notifications.messages import RIGHT, SendsMessages
from api.v1.notifications.serializers import (
    NotificationSerializer,
    RecordSerializer,
    SenderSerializer,
    SenderStateSerializer,
    TemplateSerializer,
    UnreadSerializer,
    WordsSerializer,
)
from api.views import APIView
from tenant_apps.notifications import editing, feed
from tenant_apps.notifications import sender as senders
from tenant_apps.notifications.dns_records import Checked, Record
from tenant_apps.notifications.wording import Words


class NotificationsView(SendsMessages, APIView):
    """What I was told here, newest first, in pages by cursor; and, for staff, writing to people."""

    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN, "post": RIGHT}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="notifications_list", responses=NotificationSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Cursor()
        page: list[Any] = pages.paginate_queryset(feed.feed_of(request.user), request, view=self) or []
        return pages.get_paginated_response(NotificationSerializer(page, many=True).data)


class UnreadView(APIView):
    """How many I have not read."""

    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN}

    @extend_schema(operation_id="notifications_unread", responses=UnreadSerializer)
    def get(self, request: Request) -> Response:
        return Response({"unread": feed.unread_of(request.user)})


class ReadView(APIView):
    """Mark one as read. Twice changes nothing."""

    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(operation_id="notifications_read", request=None, responses=NotificationSerializer)
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(NotificationSerializer(feed.mark_read(request.user, pk)).data)


class ReadAllView(APIView):
    """Mark all as read."""

    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(operation_id="notifications_read_all", request=None, responses=UnreadSerializer)
    def post(self, request: Request) -> Response:
        feed.mark_all_read(request.user)
        return Response({"unread": feed.unread_of(request.user)})


def _template_json(template: editing.Template) -> dict[str, Any]:
    return {
        "topic": template.topic.name,
        "label": str(template.topic.label),
        "language": template.language,
        **template.words._asdict(),
        "edited": template.edited,
        "placeholders": list(template.topic.allowed),
        "channels": list(template.topic.channels),
    }


class TemplatesView(APIView):
    """Every topic in every language, with the words that hold."""

    permissions: ClassVar[dict[str, Any]] = {"get": "manage_settings"}

    @extend_schema(operation_id="message_templates_list", responses=TemplateSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([_template_json(template) for template in editing.templates()])


class TemplateView(APIView):
    """The words of one topic in one language. DELETE gives ours back."""

    permissions: ClassVar[dict[str, Any]] = {
        "get": "manage_settings",
        "put": "manage_settings",
        "delete": "manage_settings",
    }

    @extend_schema(operation_id="message_templates_retrieve", responses=TemplateSerializer)
    def get(self, request: Request, topic: str, language: str) -> Response:
        return Response(_template_json(editing.template_of(topic, language)))

    @extend_schema(operation_id="message_templates_replace", request=WordsSerializer, responses=TemplateSerializer)
    def put(self, request: Request, topic: str, language: str) -> Response:
        template = editing.template_of(topic, language)
        return Response(_template_json(editing.save(template, _words(request), actor=request.user)))

    @extend_schema(operation_id="message_templates_reset", request=None, responses=TemplateSerializer)
    def delete(self, request: Request, topic: str, language: str) -> Response:
        return Response(_template_json(editing.reset(editing.template_of(topic, language), actor=request.user)))


class TemplatePreviewView(APIView):
    """What people would read, with sample values. Nothing is kept."""

    permissions: ClassVar[dict[str, Any]] = {"post": "manage_settings"}

    @extend_schema(operation_id="message_templates_preview", request=WordsSerializer, responses=WordsSerializer)
    def post(self, request: Request, topic: str, language: str) -> Response:
        shown = editing.preview(editing.template_of(topic, language), _words(request))
        return Response(shown._asdict())


def _words(request: Request) -> Words:
    typed = WordsSerializer(data=request.data)
    typed.is_valid(raise_exception=True)
    return Words(**typed.validated_data)


class SenderView(APIView):
    """Who mail is from, and through which server it goes. DELETE: the platform's again."""

    permissions: ClassVar[dict[str, Any]] = {
        "get": "manage_settings",
        "patch": "manage_settings",
        "delete": "manage_settings",
    }

    @extend_schema(operation_id="mail_sender_retrieve", responses=SenderStateSerializer)
    def get(self, request: Request) -> Response:
        return Response(_sender_json())

    @extend_schema(operation_id="mail_sender_update", request=SenderSerializer, responses=SenderStateSerializer)
    def patch(self, request: Request) -> Response:
        typed = SenderSerializer(data=request.data, partial=True)
        typed.is_valid(raise_exception=True)
        senders.change_sender(typed.validated_data, actor=request.user)
        return Response(_sender_json())

    @extend_schema(operation_id="mail_sender_remove", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        senders.remove_sender(actor=request.user)
        return Response(status=204)


class SenderTestView(APIView):
    """Send a test mail to my own address, now; 409 `mail_failed` says in words why it did not leave."""

    permissions: ClassVar[dict[str, Any]] = {"post": "manage_settings"}

    @extend_schema(operation_id="mail_sender_test", request=None, responses=dict[str, str])
    def post(self, request: Request) -> Response:
        return Response({"to": senders.send_test(actor=request.user)})


class SenderRecordsView(APIView):
    """The DNS records that the sender's address needs. POST asks DNS for them, within 8 seconds."""

    permissions: ClassVar[dict[str, Any]] = {"get": "manage_settings", "post": "manage_settings"}

    @extend_schema(operation_id="mail_sender_records", responses=RecordSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([_record_json(record) for record in senders.records()])

    @extend_schema(operation_id="mail_sender_check", request=None, responses=RecordSerializer(many=True))
    def post(self, request: Request) -> Response:
        return Response([_record_json(each.record, each) for each in senders.check_records()])


def _sender_json() -> dict[str, Any]:
    own = senders.sender()
    state = {
        "has_password": own.sealed is not None,
        "proven_at": own.proven_at,
        "problem": own.problem,
        "failing_since": own.failing_since,
        "worked_at": own.worked_at,
        "waiting_mails": senders.waiting_mails(),
    }
    shown: dict[str, Any] = SenderStateSerializer(
        {**{name: getattr(own, name) for name in senders.FIELDS}, **state}
    ).data
    return shown


def _record_json(record: Record, checked: Checked | None = None) -> dict[str, Any]:
    return {
        **record.__dict__,
        "why": str(record.why),
        "state": checked.state if checked else None,
        "found": checked.found if checked else "",
    }
