"""Files on their way in, over HTTP."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.parsers import StrictMultiPartParser
from api.v1.imports.serializers import ImportInput, ImportSerializer
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.imports import services
from tenant_apps.imports.models import ImportJob


def _job(pk: uuid.UUID) -> ImportJob:
    job = ImportJob.objects.defer("content").filter(pk=pk).first()
    if job is None:
        raise NotFound
    return job


class ImportsView(APIView):
    """Upload a CSV file; it is checked right after, and applied too unless `dry_run` is true (the default)."""

    permissions = {"post": "import"}
    parser_classes = [StrictMultiPartParser]

    @extend_schema(
        operation_id="imports_create", request={"multipart/form-data": ImportInput}, responses={201: ImportSerializer}
    )
    @idempotent(required=True)
    def post(self, request: Request) -> Response:
        wanted = ImportInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        file = wanted.validated_data["file"]
        if file.size > services.MOST_BYTES:
            raise services.FileTooLarge(field="file", most=services.MOST_BYTES // 1024 // 1024)
        job = services.start(
            resource=wanted.validated_data["resource"],
            file_name=file.name,
            content=file.read(),
            actor=request.user,
            dry_run=wanted.validated_data["dry_run"],
        )
        return Response(ImportSerializer(job).data, status=201, headers={"Location": f"/api/v1/imports/{job.pk}/"})


class ImportView(APIView):
    """How an import stands, with its counts and the errors of its rows."""

    permissions = {"get": "import"}

    @extend_schema(operation_id="imports_retrieve", responses=ImportSerializer)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(ImportSerializer(_job(pk)).data)


class ApplyView(APIView):
    """Apply an import that was checked and found good; all of it or nothing."""

    permissions = {"post": "import"}

    @extend_schema(operation_id="imports_apply", request=None, responses={202: ImportSerializer})
    @idempotent(required=False)
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        job = services.ask_to_apply(_job(pk), actor=request.user)
        return Response(ImportSerializer(job).data, status=202)
