"""Bank statements over HTTP: brought in, looked at, booked."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Pages
from api.parsers import StrictMultiPartParser
from api.v1.imports.serializers import JsonText
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.core.money import to_text
from tenant_apps.payments import statement_files, statements
from tenant_apps.payments.models import Statement

MOST_LINES = 1000


class StatementInput(serializers.Serializer[Any]):
    """`mapping` is JSON: `{day, amount | credit, debit, currency, payer: "column", purpose: ["column", …],
    decimal: ",", dates: "%d.%m.%Y"}`; `currency` may be `"=EUR"`. What is left out is guessed."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    mapping = JsonText(required=False)


class ColumnsInput(serializers.Serializer[Any]):
    mapping = serializers.DictField(child=serializers.JSONField())


class StatementLineSerializer(serializers.Serializer[Any]):
    """`state` tells what the line comes to; `owed` is what its order still needs."""

    line = serializers.IntegerField()
    day = serializers.DateField()
    amount = serializers.CharField()
    currency = serializers.CharField()
    payer = serializers.CharField()
    purpose = serializers.CharField()
    state = serializers.ChoiceField(list(statements.WORDS))
    order = serializers.CharField(allow_null=True)
    owed = serializers.CharField(allow_null=True)


class StatementSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    file_name = serializers.CharField()
    status = serializers.ChoiceField(Statement.Status.choices)
    created_at = serializers.DateTimeField()


class WholeStatementSerializer(StatementSerializer):
    """`counts` are lines by state; the first 1,000 `lines` are listed."""

    mapping = serializers.DictField(child=serializers.JSONField())
    columns = serializers.ListField(child=serializers.CharField())
    counts = serializers.DictField(child=serializers.IntegerField())
    lines = StatementLineSerializer(many=True)


def short_json(statement: Statement) -> dict[str, Any]:
    return {
        "id": statement.pk,
        "file_name": statement.file_name,
        "status": statement.status,
        "created_at": statement.created_at,
    }


def line_json(verdict: statements.Verdict) -> dict[str, Any]:
    line, order = verdict.line, verdict.order
    return {
        "line": line.number,
        "day": line.day,
        "amount": to_text(line.amount_minor, line.currency),
        "currency": line.currency,
        "payer": line.payer,
        "purpose": line.purpose,
        "state": verdict.state,
        "order": order.code if order else None,
        "owed": to_text(verdict.owed_minor, order.currency) if order and verdict.owed_minor else None,
    }


def statement_json(statement: Statement) -> dict[str, Any]:
    """A statement with what each of its lines comes to now."""
    found = statements.verdicts(statement)
    return {
        **short_json(statement),
        "mapping": statement.mapping,
        "columns": statements.columns_of(statement)[0],
        "counts": statements.counts_of(found),
        "lines": [line_json(verdict) for verdict in found[:MOST_LINES]],
    }


def _statement(pk: uuid.UUID) -> Statement:
    found = Statement.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


class StatementsView(APIView):
    """All statements, the last one first; and a new one, which books nothing yet. The same file is the same one."""

    permissions = {"get": "change_orders", "post": "change_orders"}
    parser_classes = [StrictMultiPartParser]

    @extend_schema(operation_id="bank_statements_list", responses=StatementSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = Statement.objects.defer("content").order_by("-created_at", "-pk")
        page = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([short_json(statement) for statement in page])

    @extend_schema(
        operation_id="bank_statements_create", request={"multipart/form-data": StatementInput},
        responses={201: WholeStatementSerializer, 200: WholeStatementSerializer},
    )  # fmt: skip
    @idempotent(required=False)
    def post(self, request: Request) -> Response:
        wanted = StatementInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        file, mapping = wanted.validated_data["file"], wanted.validated_data.get("mapping")
        if mapping is not None and not isinstance(mapping, dict):
            raise InvalidInput(errors=[FieldError("mapping", "invalid", "Columns by our names.")])
        content = file.read(statement_files.MOST_BYTES + 1)
        statement, new = statements.upload(file.name, content, actor=request.user, mapping=mapping)
        return Response(statement_json(statement), status=201 if new else 200)


class StatementView(APIView):
    """One statement: what each line comes to. PATCH says which column is which, and reads the file anew."""

    permissions = {"get": "change_orders", "patch": "change_orders"}

    @extend_schema(operation_id="bank_statements_retrieve", responses=WholeStatementSerializer)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(statement_json(_statement(pk)))

    @extend_schema(operation_id="bank_statements_columns", request=ColumnsInput, responses=WholeStatementSerializer)
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        found = _statement(pk)
        wanted = ColumnsInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        statement = statements.say_columns(found, wanted.validated_data["mapping"], actor=request.user)
        return Response(statement_json(statement))


class BookView(APIView):
    """Book every line that pays an order; a worker does it, line by line."""

    permissions = {"post": "change_orders"}

    @extend_schema(operation_id="bank_statements_book", request=None, responses={202: WholeStatementSerializer})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(statement_json(statements.ask_to_book(_statement(pk), actor=request.user)), status=202)
