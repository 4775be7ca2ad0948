"""Messages of providers to the platform's own address."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import ANYONE
from api.views import APIView
from tenant_apps.payments.connected import receive


class ConnectWebhookView(APIView):
    """What Stripe says about the accounts that tenants linked to the platform's.

    The signature over the raw body is what lets it in. The answer does not tell whether anybody linked that account.
    """

    permissions = {"post": ANYONE}
    authentication_classes = ()
    parser_classes = ()

    @extend_schema(operation_id="billing_webhook_connect", request=None, responses={200: None, 400: None, 404: None})
    def post(self, request: Request) -> Response:
        # Read before anything parses it: the signature is over these very bytes.
        receive(request._request.body, request.headers)
        return Response({"received": True})
