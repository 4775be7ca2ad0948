"""A site's backups over HTTP: which there are, and have one made now."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import APIView
from tenant_apps.staff import backups
from tenants.backup_models import Backup


class BackupSerializer(serializers.ModelSerializer[Backup]):
    """One backup. `taken_at` is the moment whose data it holds; what is not `ready` has none yet."""

    cause = serializers.ChoiceField(choices=Backup.Cause.choices, help_text="By schedule, asked for, before a restore.")

    class Meta:
        model = Backup
        fields = read_only_fields = [
            "id", "status", "cause", "created_at", "taken_at", "finished_at", "rows", "files", "size_bytes",
        ]  # fmt: skip


class BackupsView(APIView):
    """The backups of this site, newest first; at most 60. They are made each day (`backup_hour`, `backups_kept` of the
    settings) and when asked for, and put back by the platform's operators."""

    permissions = {"get": "manage_settings", "post": "manage_settings"}

    @extend_schema(operation_id="backups_list", responses=BackupSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response({"results": BackupSerializer(backups.listed(), many=True).data})

    @extend_schema(operation_id="backups_create", request=None, responses={202: BackupSerializer})
    def post(self, request: Request) -> Response:
        """Have one made now. One that is under way is answered; five a day (429 `too_many_backups`)."""
        return Response(BackupSerializer(backups.ask(request.user)).data, status=202)


class BackupView(APIView):
    """One backup: how far it is."""

    permissions = {"get": "manage_settings"}

    @extend_schema(operation_id="backups_retrieve", responses=BackupSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(BackupSerializer(backups.one(pk)).data)
