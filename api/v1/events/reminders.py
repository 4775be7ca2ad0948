"""An event's reminders over HTTP: when they go out, how many did, and times of its own."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.scoping import EventScoped
from api.views import APIView
from tenant_apps.events.models import Event
from tenant_apps.notifications import reminder_plan

STATES = ["planned", "sending", "sent", "left_out", "not_planned"]


class ReminderSerializer(serializers.Serializer[Any]):
    offset_minutes = serializers.IntegerField()
    at = serializers.DateTimeField(help_text="When it goes out, with the offset of the event's zone.")
    status = serializers.ChoiceField(STATES)
    told = serializers.IntegerField(help_text="How many people were written to so far.")
    finished_at = serializers.DateTimeField(allow_null=True)


class ReminderPlanSerializer(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    timezone = serializers.CharField()
    own = serializers.BooleanField(help_text="Whether the event has times of its own; else those of the settings hold.")
    offsets_minutes = serializers.ListField(child=serializers.IntegerField())
    reminders = ReminderSerializer(many=True)
    earlier = ReminderSerializer(many=True)


class ReminderPlanInput(serializers.Serializer[Any]):
    """`PUT /events/{slug}/reminders/`: minutes of elapsed time before the start; null: as in the settings."""

    offsets_minutes = serializers.ListField(
        child=serializers.IntegerField(min_value=5, max_value=60 * 24 * 30), allow_null=True, max_length=5
    )


def plan_json(event: Event, plan: reminder_plan.Plan) -> dict[str, Any]:
    return {
        "starts_at": event.starts_at,
        "timezone": event.timezone,
        "own": plan.own,
        "offsets_minutes": plan.offsets,
        "reminders": [_line(each) for each in plan.reminders],
        "earlier": [_line(each) for each in plan.before],
    }


def _line(each: reminder_plan.Reminder) -> dict[str, Any]:
    return {
        "offset_minutes": each.offset_minutes,
        "at": each.at.isoformat(),
        "status": each.status,
        "told": each.told,
        "finished_at": each.finished_at,
    }


class EventRemindersView(EventScoped, APIView):
    """When holders of tickets are reminded: elapsed time before the start, shown on the clock at the event's place."""

    permissions = {"get": "change_event", "put": "change_event"}

    @extend_schema(operation_id="event_reminders_retrieve", responses=ReminderPlanSerializer)
    def get(self, request: Request, event: str) -> Response:
        return Response(plan_json(self.event, reminder_plan.plan_of(self.event)))

    @extend_schema(operation_id="event_reminders_update", request=ReminderPlanInput, responses=ReminderPlanSerializer)
    def put(self, request: Request, event: str) -> Response:
        wanted = ReminderPlanInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        minutes = wanted.validated_data["offsets_minutes"]
        return Response(plan_json(self.event, reminder_plan.set_offsets(self.event, minutes, actor=request.user)))
