"""Views made for the tests of the API's ground, on a tenant's host."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import connection
from django.http import Http404, HttpResponse
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from api.conditional import etagged
from api.fields import MoneyField
from api.filters import modified_since, ordered
from api.idempotency import afterwards, idempotent
from api.pagination import Cursor, Pages
from api.parsers import StrictJSONParser, StrictMultiPartParser
from api.permissions import ANYONE, OWN, SIGNED_IN
from api.scoping import EventScoped
from api.views import APIView, GenericViewSet
from shared_apps.core.errors import DomainError, FieldError, InvalidInput, SoldOut, TooManyRequests
from tenant_apps.activity.models import AuditEntry

FAULTS: dict[str, Any] = {
    "sold-out": lambda: SoldOut(what="Gala", field="lines.0.ticket_type"),
    "several": lambda: InvalidInput(errors=[FieldError("a.0", "x", "One."), FieldError("b", "y", "Two.")]),
    "limited": lambda: TooManyRequests(retry_after=7),
    "throttled": lambda: exceptions.Throttled(wait=3.2),
    "missing": Http404,
    "denied": PermissionDenied,
    "denied-drf": exceptions.PermissionDenied,
    "unsigned": exceptions.NotAuthenticated,
    "bad-token": lambda: exceptions.AuthenticationFailed("No.", code="token_expired"),
    "parse": lambda: exceptions.ParseError("Odd."),
    "suspicious": lambda: SuspiciousOperation("secret detail"),
    "model": lambda: ModelValidationError({"title": ["Too odd."]}),
    "nested": lambda: exceptions.ValidationError(
        {"lines": [{}, {"quantity": [exceptions.ErrorDetail("Too many.", code="max_value")]}], "": ["All wrong."]}
    ),
    "fault": lambda: RuntimeError("the password is hunter2"),
}
SQL = {
    "unique": "INSERT INTO accounts_user SELECT * FROM accounts_user LIMIT 1",
    "range": "SELECT 99999999999::int",
    "nul": r"SELECT E'\001'::bytea::text, chr(0)",
    "division": "SELECT 1/0",
    "unknown-table": "SELECT * FROM nowhere_to_be_found",
    "cancelled": "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)",
    "raise-serialization": "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
    "raise-locked": "DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$",
    "raise-check": "DO $$ BEGIN RAISE SQLSTATE '23514'; END $$",
    "raise-full": "DO $$ BEGIN RAISE SQLSTATE '53100'; END $$",
}


class FaultView(APIView):
    permissions = {"get": ANYONE, "post": ANYONE}

    def get(self, request: Any, kind: str) -> Response:
        raise FAULTS[kind]()

    def post(self, request: Any, kind: str) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(SQL[kind])
        return Response({})


class EchoView(APIView):
    permissions = {"get": ANYONE, "post": ANYONE}

    def get(self, request: Any, name: str = "") -> Response:
        return Response({"query": request.query_params, "name": name})

    def post(self, request: Any, name: str = "") -> Response:
        return Response(request.data)


class UploadView(APIView):
    permissions = {"post": ANYONE}
    parser_classes = [StrictMultiPartParser, StrictJSONParser]

    def post(self, request: Any) -> Response:
        return Response({"fields": sorted(request.data)})


class LineInput(serializers.Serializer[Any]):
    quantity = serializers.IntegerField(min_value=1, max_value=10)
    price = MoneyField(required=False)


class ShapeInput(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=20)
    lines = LineInput(many=True)


class ShapeView(APIView):
    permissions = {"post": ANYONE}

    def post(self, request: Any) -> Response:
        wanted = ShapeInput(data=request.data, context={"currency": request.query_params.get("in", "EUR")})
        wanted.is_valid(raise_exception=True)
        return Response(wanted.validated_data)


class EntrySerializer(serializers.ModelSerializer[AuditEntry]):
    class Meta:
        model = AuditEntry
        fields = ["id", "at", "topic"]


class EntriesView(APIView):
    permissions = {"get": ANYONE}
    parameters = frozenset({"topic"})

    def get(self, request: Any) -> Response:
        entries = AuditEntry.objects.filter(topic__startswith="t.")
        entries = modified_since(request, entries, field="at")
        entries = ordered(request, entries, {"topic": "topic", "at": "at"}, default="-at")
        pages = Pages()
        page = pages.paginate_queryset(entries, request, view=self)
        return pages.get_paginated_response(EntrySerializer(page, many=True).data)


class Newest(Cursor):
    ordering = ("-at", "-id")


class CursorView(APIView):
    permissions = {"get": ANYONE}

    def get(self, request: Any) -> Response:
        pages = Newest()
        page = pages.paginate_queryset(AuditEntry.objects.filter(topic__startswith="t."), request, view=self)
        return pages.get_paginated_response(EntrySerializer(page, many=True).data)


class OnceView(APIView):
    permissions = {"post": ANYONE, "put": ANYONE}

    @idempotent(required=True)
    def post(self, request: Any) -> Response:
        entry = AuditEntry.objects.create(topic="t.once")
        outcome = request.data.get("outcome")
        if outcome == "refuse":
            raise InvalidInput
        if outcome == "refuse-by-answer":
            return Response({"no": True}, status=409)
        if outcome == "fault":
            raise RuntimeError
        if outcome == "afterwards":
            afterwards(
                request, lambda: Response({"id": entry.pk, "in_transaction": connection.in_atomic_block}, status=201)
            )
        if outcome == "afterwards-fault":
            afterwards(request, _fail)
        return Response({"id": entry.pk}, status=201)

    @idempotent(required=False)
    def put(self, request: Any) -> Response:
        return Response({"id": AuditEntry.objects.create(topic="t.once").pk})


def _fail() -> Response:
    raise DomainError


class TaggedView(APIView):
    permissions = {"get": ANYONE}
    runs = 0

    @etagged(lambda view, request: AuditEntry.objects.filter(topic="t.version").count())
    def get(self, request: Any) -> Response:
        type(self).runs += 1
        return Response({"topics": list(AuditEntry.objects.filter(topic="t.shown").values_list("topic", flat=True))})


class UnversionedView(APIView):
    permissions = {"get": ANYONE}

    @etagged()
    def get(self, request: Any) -> Response:
        return Response({"answer": 42})


class RuleView(APIView):
    permissions = {"get": SIGNED_IN, "post": "manage_staff", "put": ("view_orders", "check_in"), "delete": OWN}

    def get(self, request: Any) -> Response:
        return Response({})

    post = put = delete = get


class ActionsViewSet(GenericViewSet):
    permissions = {"list": ANYONE, "create": SIGNED_IN}

    def list(self, request: Any) -> Response:
        return Response([])

    create = list


class EventThingView(EventScoped, APIView):
    permissions = {"get": ANYONE, "post": "change_event"}

    def get(self, request: Any, event: str) -> Response:
        return Response({"slug": self.event.slug})

    def post(self, request: Any, event: str) -> Response:
        return Response({"slug": self.event.slug})


def page(request: Any, kind: str) -> HttpResponse:
    if kind == "fine":
        return HttpResponse("fine")
    raise FAULTS[kind]()


urlpatterns = [
    path("api/v1/fault/<str:kind>/", FaultView.as_view()),
    path("api/v1/echo/", EchoView.as_view()),
    path("api/v1/echo/<str:name>/", EchoView.as_view()),
    path("api/v1/upload/", UploadView.as_view()),
    path("api/v1/shape/", ShapeView.as_view()),
    path("api/v1/entries/", EntriesView.as_view()),
    path("api/v1/cursor/", CursorView.as_view()),
    path("api/v1/once/", OnceView.as_view()),
    path("api/once/", OnceView.as_view()),
    path("api/v1/tagged/", TaggedView.as_view()),
    path("api/v1/unversioned/", UnversionedView.as_view()),
    path("api/v1/rules/", RuleView.as_view()),
    path("api/v1/actions/", ActionsViewSet.as_view({"get": "list", "post": "create"})),
    path("api/v1/events/<str:event>/thing/", EventThingView.as_view()),
    path("page/<str:kind>/", page),
]

handler400 = "api.errors.bad_request"
handler403 = "api.errors.forbidden"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"
