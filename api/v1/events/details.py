"""Programme, what to bring and questions of an event, over HTTP: read by who sees the event, written by its staff."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import ANYONE
from api.scoping import EventScoped
from api.v1.events.fields import TimeInput, row_id
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.events import details
from tenant_apps.events.models import BringItem, ProgramItem, Question


class _Positioned(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)


class ProgramItemSerializer(_Positioned):
    """One point of the programme; times without an offset are local to the event."""

    title = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    starts_at = TimeInput(required=False, allow_null=True)
    ends_at = TimeInput(required=False, allow_null=True)
    speaker = serializers.CharField(max_length=150, required=False, allow_blank=True)
    room = serializers.CharField(max_length=100, required=False, allow_blank=True)


class BringItemSerializer(_Positioned):
    """Something to bring along, such as 2.5 kg of clay."""

    name = serializers.CharField(max_length=150)
    amount = serializers.DecimalField(9, 3, required=False, allow_null=True)
    unit = serializers.CharField(max_length=30, required=False, allow_blank=True)


class QuestionSerializer(_Positioned):
    """What each attendee is asked; without ticket types all of them are."""

    text = serializers.CharField(max_length=300)
    help = serializers.CharField(max_length=300, required=False, allow_blank=True)
    kind = serializers.ChoiceField(Question.Kind.choices, required=False)
    choices = serializers.ListField(  # type: ignore[assignment]  # a field of this name, not the class's own
        child=serializers.CharField(max_length=150), required=False, max_length=details.MOST_CHOICES
    )
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]  # as above
    ticket_types = serializers.ListField(child=row_id(), required=False, max_length=200)
    at_door = serializers.BooleanField(required=False, help_text="Show the answer as the ticket is scanned.")


def detail_json(row: Any) -> dict[str, Any]:
    """One row, as its serializer documents it."""
    shown = {"id": row.pk, **{name: getattr(row, name) for name in details.FIELDS[type(row)]}}
    if isinstance(row, BringItem):
        shown["amount"] = None if row.amount is None else f"{row.amount.normalize():f}"
    return shown


class _Rows(EventScoped, APIView):
    model: ClassVar[type[details.Detail]]
    shape: ClassVar[type[serializers.Serializer[Any]]]
    parameters = frozenset()

    def wanted(self, *, partial: bool = False) -> dict[str, Any]:
        shape = self.shape(data=self.request.data, partial=partial)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)


class _List(_Rows):
    permissions = {"get": ANYONE, "post": "change_event"}

    def get(self, request: Request, event: str) -> Response:
        rows = self.model._default_manager.filter(event=self.event)
        shown = [detail_json(row) for row in rows]
        return Response({"count": len(shown), "next": None, "previous": None, "results": shown})

    def post(self, request: Request, event: str) -> Response:
        row = details.make(self.model, self.event, actor=request.user, **self.wanted())
        return Response(detail_json(row), status=201)


class _Detail(_Rows):
    permissions = {"get": ANYONE, "put": "change_event", "patch": "change_event", "delete": "change_event"}

    def row(self, pk: int) -> Any:
        row = self.model._default_manager.select_related("event").filter(event=self.event, pk=pk).first()
        if row is None:
            raise NotFound
        return row

    def get(self, request: Request, event: str, pk: int) -> Response:
        return Response(detail_json(self.row(pk)))

    def put(self, request: Request, event: str, pk: int) -> Response:
        return Response(detail_json(details.change(self.row(pk), actor=request.user, **self.wanted())))

    def patch(self, request: Request, event: str, pk: int) -> Response:
        return Response(detail_json(details.change(self.row(pk), actor=request.user, **self.wanted(partial=True))))

    def delete(self, request: Request, event: str, pk: int) -> Response:
        details.delete(self.row(pk), actor=request.user)
        return Response(status=204)


def _documented(name: str, shape: Any, *, many: bool) -> Any:
    if many:
        return extend_schema_view(
            get=extend_schema(operation_id=f"{name}_list", responses=shape(many=True)),
            post=extend_schema(operation_id=f"{name}_create", request=shape, responses={201: shape}),
        )
    return extend_schema_view(
        get=extend_schema(operation_id=f"{name}_retrieve", responses=shape),
        put=extend_schema(operation_id=f"{name}_replace", request=shape, responses=shape),
        patch=extend_schema(operation_id=f"{name}_update", request=shape(partial=True), responses=shape),
        delete=extend_schema(operation_id=f"{name}_delete", responses={204: None}),
    )


@_documented("program", ProgramItemSerializer, many=True)
class ProgramView(_List):
    model, shape = ProgramItem, ProgramItemSerializer


@_documented("program", ProgramItemSerializer, many=False)
class ProgramItemView(_Detail):
    model, shape = ProgramItem, ProgramItemSerializer


@_documented("bring", BringItemSerializer, many=True)
class BringView(_List):
    model, shape = BringItem, BringItemSerializer


@_documented("bring", BringItemSerializer, many=False)
class BringItemView(_Detail):
    model, shape = BringItem, BringItemSerializer


@_documented("questions", QuestionSerializer, many=True)
class QuestionsView(_List):
    model, shape = Question, QuestionSerializer


@_documented("questions", QuestionSerializer, many=False)
class QuestionView(_Detail):
    model, shape = Question, QuestionSerializer
