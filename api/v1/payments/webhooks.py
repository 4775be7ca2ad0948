"""Where providers tell us what happened (O6, O7, O8)."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import ANYONE
from api.views import APIView
from tenant_apps.payments.callbacks import receive
from tenant_apps.payments.providers import freedompay


class WebhookView(APIView):
    """A provider's message to this tenant. The signature over the raw body is what lets it in, nobody signs in here."""

    permissions = {"post": ANYONE}
    authentication_classes = ()
    parser_classes = ()

    @extend_schema(operation_id="payments_webhook", request=None, responses={200: None, 400: None, 404: None})
    def post(self, request: Request, name: str) -> Response | HttpResponse:
        # Read before anything parses it: the signature is over these very bytes.
        body = request._request.body
        received = receive(name, body, request.headers, request.path)
        if received.account.provider == "freedompay":
            content = freedompay.reply(received.account, request.path, accepted=True)
            return HttpResponse(content, content_type="text/xml; charset=utf-8")
        return Response({"received": True})
