"""Orders made as a guest, taken into one's account."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import SIGNED_IN, require_person
from api.views import APIView
from tenant_apps.orders import claiming


class ClaimedSerializer(serializers.Serializer[Any]):
    claimed = serializers.IntegerField(help_text="How many orders are the caller's own from now on.")


class ClaimView(APIView):
    """Take the orders that were made as a guest with one's confirmed address into one's account."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="orders_claim", request=None, responses=ClaimedSerializer)
    def post(self, request: Request) -> Response:
        return Response({"claimed": claiming.claim(require_person(request))})
