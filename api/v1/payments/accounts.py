"""A tenant's accounts with payment providers. Keys go in and never come out."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.payments import accounts, keys
from tenant_apps.payments.models import ProviderAccount


class AccountSerializer(serializers.Serializer[ProviderAccount]):
    """An account as staff see it: which provider and mode, whether buyers are offered it, where it tells us."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    live = serializers.BooleanField()
    enabled = serializers.BooleanField()
    public = serializers.DictField(child=serializers.JSONField())
    webhook_url = serializers.CharField()
    created_at = serializers.DateTimeField()


class ConnectInput(serializers.Serializer[Any]):
    """`provider` and what it wants: Stripe `secret_key`, `publishable_key` or `account`; PayPal `client_id`,
    `client_secret`, `mode`; FreedomPay `merchant_id`, `secret_key`, `mode`."""

    provider = serializers.CharField(max_length=20)
    secret_key = serializers.CharField(max_length=300, required=False, write_only=True)
    publishable_key = serializers.CharField(max_length=300, required=False)
    webhook_secret = serializers.CharField(max_length=300, required=False, write_only=True)
    account = serializers.CharField(max_length=60, required=False)
    client_id = serializers.CharField(max_length=200, required=False)
    client_secret = serializers.CharField(max_length=300, required=False, write_only=True)
    merchant_id = serializers.CharField(max_length=40, required=False)
    mode = serializers.ChoiceField(choices=["live", "test"], required=False)


class SwitchInput(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()


def account_json(account: ProviderAccount) -> dict[str, Any]:
    """What staff may see of an account."""
    return {
        "id": str(account.pk),
        "provider": account.provider,
        "live": account.live,
        "enabled": account.enabled,
        "public": account.public,
        "webhook_url": keys.webhook_url(account.provider),
        "created_at": account.created_at,
    }


class AccountsView(APIView):
    """All accounts, and a new one."""

    permissions = {"get": "manage_settings", "post": "manage_settings"}

    @extend_schema(operation_id="payment_accounts_list", responses=AccountSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = ProviderAccount.objects.order_by("provider", "live")
        return Response(
            {"count": len(rows), "next": None, "previous": None, "results": [account_json(row) for row in rows]}
        )

    @extend_schema(operation_id="payment_accounts_create", request=ConnectInput, responses={201: AccountSerializer})
    def post(self, request: Request) -> Response:
        wanted = ConnectInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = dict(wanted.validated_data)
        account = accounts.connect(given.pop("provider"), given, actor=request.user)
        return Response(account_json(account), status=201)


class AccountView(APIView):
    """One account, on or off."""

    permissions = {"get": "manage_settings", "patch": "manage_settings"}

    @extend_schema(operation_id="payment_accounts_retrieve", responses=AccountSerializer)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(account_json(_account(pk)))

    @extend_schema(operation_id="payment_accounts_switch", request=SwitchInput, responses=AccountSerializer)
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        wanted = SwitchInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(
            account_json(accounts.switch(_account(pk), wanted.validated_data["enabled"], actor=request.user))
        )


def _account(pk: uuid.UUID) -> ProviderAccount:
    found = ProviderAccount.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
