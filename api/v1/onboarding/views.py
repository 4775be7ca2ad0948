"""What a new tenant has still to do, and its examples, over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import APIView
from tenant_apps.onboarding import sample
from tenant_apps.onboarding.checklist import MAILS, SHOWN, checklist
from tenant_apps.staff.site_settings import change_settings
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import preference


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField(source="label")
    url = serializers.CharField(help_text="The page where it is done: a path of this site.")
    done = serializers.BooleanField()
    optional = serializers.BooleanField()


class OnboardingSerializer(serializers.Serializer[Any]):
    """`complete`: nothing is left but what is optional. The two switches are also settings of the same names."""

    steps = StepSerializer(many=True, read_only=True)
    complete = serializers.BooleanField(read_only=True)
    onboarding_checklist = serializers.BooleanField(required=False, help_text="The dashboard shows the list.")
    onboarding_mails = serializers.BooleanField(required=False, help_text="The owner gets letters about it.")


class SampleContentSerializer(serializers.Serializer[Any]):
    present = serializers.ListField(child=serializers.CharField(), help_text="Titles of the examples that are there.")


class SampleRemovedSerializer(serializers.Serializer[Any]):
    removed = serializers.ListField(child=serializers.CharField())
    kept = serializers.ListField(child=serializers.CharField(), help_text="Titles of those that somebody ordered.")


class OnboardingView(APIView):
    """The first steps: what is done and what comes next. A PATCH switches the list and the letters on and off."""

    permissions = {"get": "manage_settings", "patch": "manage_settings"}
    parameters = frozenset()

    @extend_schema(operation_id="onboarding_retrieve", responses=OnboardingSerializer)
    def get(self, request: Request) -> Response:
        return Response(_told(current_tenant()))

    @extend_schema(operation_id="onboarding_update", request=OnboardingSerializer, responses=OnboardingSerializer)
    def patch(self, request: Request) -> Response:
        wanted = OnboardingSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(_told(change_settings(wanted.validated_data, actor=request.user)))


class SampleContentView(APIView):
    """Examples to begin with. A DELETE removes those that nobody ordered and says which stay."""

    permissions = {"get": "manage_settings", "post": "manage_settings", "delete": "manage_settings"}
    parameters = frozenset()

    @extend_schema(operation_id="sample_content_retrieve", responses=SampleContentSerializer)
    def get(self, request: Request) -> Response:
        return Response({"present": sample.present()})

    @extend_schema(operation_id="sample_content_create", request=None, responses={201: SampleContentSerializer})
    def post(self, request: Request) -> Response:
        return Response({"present": sample.add(actor=request.user)}, status=201)

    @extend_schema(operation_id="sample_content_destroy", request=None, responses=SampleRemovedSerializer)
    def delete(self, request: Request) -> Response:
        left = sample.remove(actor=request.user)
        return Response({"removed": left.removed, "kept": left.kept})


def _told(tenant: Tenant) -> dict[str, Any]:
    found = checklist()
    return {
        "steps": StepSerializer(found.steps, many=True).data,
        "complete": found.is_complete,
        SHOWN: preference(tenant, SHOWN),
        MAILS: preference(tenant, MAILS),
    }
