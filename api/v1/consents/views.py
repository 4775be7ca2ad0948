"""Legal texts and consents over HTTP."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import PlainTextField, UtcField
from api.pagination import Cursor
from api.permissions import ANYONE
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.consents import texts
from tenant_apps.consents.models import Consent, LegalText
from tenant_apps.consents.querysets import consents


class LegalTextSerializer(serializers.ModelSerializer[LegalText]):
    """One version. Its `id` is what `POST /orders/` takes in `agreed`."""

    published_at = UtcField(read_only=True)
    ended_at = UtcField(read_only=True)

    class Meta:
        model = LegalText
        fields = read_only_fields = [
            "id", "code", "version", "title", "body", "required", "sha256", "published_at", "ended_at",
        ]  # fmt: skip


class LegalTextInput(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=texts.LONGEST_TITLE)
    body = serializers.CharField(max_length=texts.LONGEST_BODY, trim_whitespace=False)
    required = serializers.BooleanField(default=True)  # type: ignore[assignment]  # a field of the input, not DRF's own


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    """Who agreed to which version of a text, with which order."""

    text = serializers.CharField(source="text.code")
    version = serializers.IntegerField(source="text.version")
    order = PlainTextField(source="order_code")
    agreed_at = UtcField(read_only=True)
    withdrawn_at = UtcField(read_only=True)

    class Meta:
        model = Consent
        fields = read_only_fields = [
            "id", "text", "version", "order", "email", "address", "agreed_at", "withdrawn_at",
        ]  # fmt: skip


class NewestConsents(Cursor):
    ordering = ("-agreed_at", "-id")


class TextsView(APIView):
    """What buyers are asked to agree to now. A POST publishes a text, or a new version of the one with that code."""

    permissions = {"get": ANYONE, "post": "manage_settings"}
    parameters = frozenset()

    @extend_schema(operation_id="legal_texts_list", responses=LegalTextSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = LegalText.objects.filter(ended_at__isnull=True).order_by("-required", "pk")
        return Response(LegalTextSerializer(found, many=True).data)

    @extend_schema(operation_id="legal_texts_create", request=LegalTextInput, responses={201: LegalTextSerializer})
    def post(self, request: Request) -> Response:
        wanted = LegalTextInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        text = texts.publish(actor=request.user, **wanted.validated_data)
        return Response(LegalTextSerializer(text).data, status=201)


class TextView(APIView):
    """The version of one text that holds now. A DELETE asks nobody for it any more; what was agreed to is kept."""

    permissions = {"get": ANYONE, "delete": "manage_settings"}
    parameters = frozenset()

    @extend_schema(operation_id="legal_texts_retrieve", responses=LegalTextSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(LegalTextSerializer(texts.current(code)).data)

    @extend_schema(operation_id="legal_texts_destroy", request=None, responses={204: None})
    def delete(self, request: Request, code: str) -> Response:
        texts.withdraw(code, actor=request.user)
        return Response(status=204)


class ConsentsView(APIView):
    """Who agreed to what, newest first; `?search=` is an address or an order's code, whole."""

    permissions = {"get": "manage_settings"}
    parameters = frozenset({"search"})

    @extend_schema(operation_id="consents_list", responses=ConsentSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestConsents()
        wanted = request.query_params.get("search", "").strip()[:254]
        page: Any = pages.paginate_queryset(consents(wanted), request, view=self) or []
        return pages.get_paginated_response(ConsentSerializer(page, many=True).data)


class WithdrawView(APIView):
    """Somebody agrees no more to what was not required."""

    permissions = {"post": "manage_settings"}

    @extend_schema(operation_id="consents_withdraw", request=None, responses=ConsentSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        found = consents().filter(pk=pk).first()
        if found is None:
            raise NotFound
        return Response(ConsentSerializer(texts.take_back(found, actor=request.user)).data)
