"""What an import looks like over HTTP."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import UtcField
from api.parsers import Malformed, loads
from tenant_apps.imports.models import ImportJob, ImportMapping
from tenant_apps.imports.services import progress_of


@extend_schema_field(serializers.CharField)
class JsonText(serializers.Field[Any, Any, Any, Any]):
    """JSON in a field of a form."""

    default_error_messages = {"invalid": _("This is no JSON.")}

    def to_internal_value(self, data: Any) -> Any:
        try:
            return loads(b'{"value": ' + str(data).encode("utf-8", "surrogatepass") + b"}")["value"] if data else None
        except Malformed:
            self.fail("invalid")

    def to_representation(self, value: Any) -> Any:
        return value


class ImportInput(serializers.Serializer[Any]):
    """An upload: the file, what it holds, how its columns are ours, and whether to only look at what it would do.

    `mapping` is JSON: `{our column: "column of the file"}` or `{our column: {"column" | "constant", "split", "format",
    "timezone"}}`; left out, a file with such columns is read as the last one, else by its columns' names. `key` is a
    JSON list of the file's columns that tell one row from another.
    """

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    resource = serializers.CharField(max_length=20)
    dry_run = serializers.BooleanField(default=True)
    mapping = JsonText(required=False)
    key = JsonText(required=False)
    on_duplicate = serializers.ChoiceField(ImportJob.OnDuplicate.choices, default="error")


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
    errors = ImportErrorSerializer(many=True, read_only=True)  # type: ignore[assignment]  # DRF takes the field out again
    header = serializers.ListField(child=serializers.CharField(), read_only=True)
    mapping = serializers.JSONField(read_only=True)
    key = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_at = UtcField(read_only=True)

    class Meta:
        model = ImportJob
        fields = read_only_fields = [
            "id", "resource", "status", "dry_run", "file_name", "progress", "counts", "header", "mapping", "key",
            "on_duplicate", "errors", "errors_count", "changes", "changes_count", "created_at",
        ]  # fmt: skip

    def get_progress(self, job: ImportJob) -> int:
        return progress_of(job)


class ImportMappingSerializer(serializers.ModelSerializer[ImportMapping]):
    """How a file with these columns was read last."""

    header = serializers.ListField(child=serializers.CharField(), read_only=True)
    mapping = serializers.JSONField(read_only=True)
    key = serializers.ListField(child=serializers.CharField(), read_only=True)
    modified_at = UtcField(read_only=True)

    class Meta:
        model = ImportMapping
        fields = read_only_fields = ["id", "resource", "header", "mapping", "key", "on_duplicate", "modified_at"]
