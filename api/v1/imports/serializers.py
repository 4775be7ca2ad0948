"""What an import looks like over HTTP."""

from typing import Any

from rest_framework import serializers

from api.fields import UtcField
from tenant_apps.imports.models import ImportJob
from tenant_apps.imports.services import progress_of


class ImportInput(serializers.Serializer[Any]):
    """An upload: the file, what it holds, and whether to only look at what it would do."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    resource = serializers.CharField(max_length=20)
    dry_run = serializers.BooleanField(default=True)


class ImportErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one row; `line` is the one an editor shows."""

    line = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ImportCountsSerializer(serializers.Serializer[Any]):
    """What the rows do, or did."""

    new = serializers.IntegerField(default=0)
    changed = serializers.IntegerField(default=0)
    unchanged = serializers.IntegerField(default=0)
    refused = serializers.IntegerField(default=0)


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    """An import and how far it is. The first 1,000 errors of `errors_count` are listed, and as many changes."""

    progress = serializers.SerializerMethodField()
    changes = serializers.JSONField(read_only=True)
    counts = ImportCountsSerializer(read_only=True)
    errors = ImportErrorSerializer(many=True, read_only=True)  # type: ignore[assignment]
    mapping = serializers.JSONField(read_only=True)
    created_at = UtcField(read_only=True)

    class Meta:
        model = ImportJob
        fields = read_only_fields = [
            "id", "resource", "status", "dry_run", "file_name", "progress", "counts", "mapping", "errors",
            "errors_count", "changes", "changes_count", "created_at",
        ]  # fmt: skip

    def get_progress(self, job: ImportJob) -> int:
        return progress_of(job)
