"""Files on their way in, over HTTP."""

import uuid

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Pages
from api.parsers import StrictMultiPartParser
from api.v1.imports.serializers import ImportInput, ImportMappingSerializer, ImportSerializer
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.imports import exporting, services
from tenant_apps.imports.models import ImportJob, ImportMapping


def _job(pk: uuid.UUID) -> ImportJob:
    job = ImportJob.objects.defer("content", "errors_file", "samples").filter(pk=pk).first()
    if job is None:
        raise NotFound
    return job


class ImportsView(APIView):
    """Upload a file in CSV, XLSX or YAML; it is checked right after, and applied too if `dry_run` is false."""

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
            mapping=wanted.validated_data.get("mapping"),
            key=wanted.validated_data.get("key"),
            on_duplicate=wanted.validated_data["on_duplicate"],
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


class ErrorsView(APIView):
    """Everything that is wrong with a file, as CSV; the import itself lists the first 1,000."""

    permissions = {"get": "import"}

    @extend_schema(operation_id="imports_errors", responses={(200, "text/csv"): str})
    def get(self, request: Request, pk: uuid.UUID) -> StreamingHttpResponse:
        answer = StreamingHttpResponse(services.errors_csv(_job(pk)), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="errors.csv"'
        return answer


class MappingsView(APIView):
    """How files were read so far, the last one first: the next with such columns is read alike."""

    permissions = {"get": "import"}
    parameters = frozenset({"resource"})

    @extend_schema(operation_id="import_mappings_list", responses=ImportMappingSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = ImportMapping.objects.order_by("-modified_at", "-pk")
        if resource := request.query_params.get("resource"):
            found = found.filter(resource=resource)
        pages = Pages()
        page = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response(ImportMappingSerializer(page, many=True).data)


class ExportView(APIView):
    """All rows of a resource as a file, streamed; cells that a spreadsheet would run are guarded by an apostrophe."""

    permissions = {"get": "export"}
    parameters = frozenset[str]()

    @extend_schema(
        operation_id="exports_retrieve",
        responses={(200, kind.partition(";")[0]): str for kind in exporting.FORMATS.values()},
    )
    def get(self, request: Request, resource: str, kind: str) -> StreamingHttpResponse:
        found = exporting.export(resource, request.user)
        answer = StreamingHttpResponse(exporting.body(found, kind), content_type=exporting.FORMATS[kind])
        answer["Content-Disposition"] = f'attachment; filename="{resource}.{kind}"'
        return answer
