"""The ways beside mail: a tenant's account for text messages, a person's devices that take pushes."""

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import SIGNED_IN, require_person
from api.views import APIView
from tenant_apps.notifications import push_devices, sms_accounts
from tenant_apps.notifications.channels import push
from tenant_apps.notifications.models import PushSubscription, SmsAccount


class SmsAccountSerializer(serializers.Serializer[Any]):
    """Without its key, which never comes out again. `problem` is why nothing can be sent, if so."""

    sender = serializers.CharField()
    enabled = serializers.BooleanField()
    daily_parts = serializers.IntegerField()
    left_today = serializers.IntegerField()
    problem = serializers.ChoiceField([*SmsAccount.Problem.values, ""])


class SmsAccountInput(serializers.Serializer[Any]):
    """`key` may be left out to keep the one that is there."""

    sender = serializers.CharField(max_length=16)
    key = serializers.CharField(max_length=300, required=False, write_only=True, default="")
    daily_parts = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    enabled = serializers.BooleanField(default=True)


def account_json(found: SmsAccount) -> dict[str, Any]:
    return {
        "sender": found.sender,
        "enabled": found.enabled,
        "daily_parts": found.daily_parts,
        "left_today": sms_accounts.left_today(found),
        "problem": found.problem,
    }


class SmsAccountView(APIView):
    """The tenant's account with the service for text messages; switched off and without a sender if there is none."""

    permissions = {"get": "manage_settings", "put": "manage_settings", "delete": "manage_settings"}

    @extend_schema(operation_id="sms_account_retrieve", responses=SmsAccountSerializer)
    def get(self, request: Request) -> Response:
        return Response(account_json(sms_accounts.account() or SmsAccount(enabled=False, daily_parts=0)))

    @extend_schema(operation_id="sms_account_update", request=SmsAccountInput, responses=SmsAccountSerializer)
    def put(self, request: Request) -> Response:
        wanted = SmsAccountInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(account_json(sms_accounts.set_up(actor=request.user, **wanted.validated_data)))

    @extend_schema(operation_id="sms_account_destroy", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        sms_accounts.remove(actor=request.user)
        return Response(status=204)


class PushKeysInput(serializers.Serializer[Any]):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=40)


class PushInput(serializers.Serializer[Any]):
    """What `PushSubscription.toJSON()` of a browser gives, with a name for the device."""

    endpoint = serializers.CharField(max_length=push_devices.LONGEST_ENDPOINT)
    keys = PushKeysInput()
    device = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class PushSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    device = serializers.CharField()
    created_at = serializers.DateTimeField()


class PushListSerializer(serializers.Serializer[Any]):
    """`public_key` is this platform's, for `applicationServerKey`."""

    public_key = serializers.CharField()
    devices = serializers.ListField(child=PushSerializer())


def device_json(device: PushSubscription) -> dict[str, Any]:
    return {"id": str(device.pk), "device": device.device, "created_at": device.created_at}


class PushSubscriptionsView(APIView):
    """The caller's devices at this organizer, and a new one."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="push_subscriptions_list", responses=PushListSerializer)
    def get(self, request: Request) -> Response:
        devices = [device_json(each) for each in push_devices.devices_of(require_person(request))]
        return Response({"public_key": push.public_key(), "devices": devices})

    @extend_schema(operation_id="push_subscriptions_create", request=PushInput, responses={201: PushSerializer})
    def post(self, request: Request) -> Response:
        wanted = PushInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        kept = push_devices.subscribe(
            require_person(request), endpoint=data["endpoint"], device=data["device"], **data["keys"]
        )
        return Response(device_json(kept), status=201)


class PushSubscriptionView(APIView):
    """One of the caller's devices."""

    permissions = {"delete": SIGNED_IN}

    @extend_schema(operation_id="push_subscriptions_destroy", request=None, responses={204: None})
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        push_devices.remove(require_person(request), pk)
        return Response(status=204)
