"""What operators see of tenants' backups, and how they put one back: on the platform's host only (I3)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts import trail
from shared_apps.core.errors import DomainError
from tenants import backups
from tenants.backup_models import Backup, Restore
from tenants.models import Tenant


class _AskingForm(forms.ModelForm):
    """Saving asks for the work; what is refused stands at its field."""

    made: Any = None

    def ask(self) -> Any:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if not self.errors and self.instance._state.adding:
            try:
                self.made = self.ask()
            except DomainError as refusal:
                field = getattr(refusal, "field", "")
                self.add_error(field if field in self.fields else None, str(refusal))
        return typed

    def _post_clean(self) -> None:
        """The row is made by the service, not from the form's fields."""


class BackupForm(_AskingForm):
    slug = forms.CharField(label=_("Organizer's address"), max_length=63)

    class Meta:
        model = Backup
        fields = ("slug",)

    def ask(self) -> Backup:
        tenant = Tenant.objects.with_schema().filter(slug=self.cleaned_data["slug"]).first()
        if tenant is None:
            raise DomainError(_("There is no organizer with this address."), field="slug")
        return backups.ask(tenant)


class RestoreForm(_AskingForm):
    backup = forms.ModelChoiceField(
        label=_("backup"), queryset=Backup.objects.filter(status=Backup.Status.READY), widget=forms.HiddenInput
    )
    slug = forms.CharField(
        label=_("Organizer's address"), max_length=63,
        help_text=_("Type it, to be sure. What is there now is backed up first, then all of it is replaced."),
    )  # fmt: skip
    reason = forms.CharField(label=_("reason"), max_length=300, help_text=_("The organizer sees it."))

    class Meta:
        model = Restore
        fields = ("backup", "slug", "reason")

    def ask(self) -> Restore:
        typed = self.cleaned_data
        return backups.ask_restore(typed["backup"], reason=typed["reason"], slug=typed["slug"])


class _Work(admin.ModelAdmin):
    """Made by services and workers: an operator asks for one, and changes none."""

    list_filter = ["status"]
    search_fields = ["slug", "schema_name"]
    date_hierarchy = "created_at"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with trail.acting(request.user):
            return super().changeform_view(request, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.asked if obj is None else self.shown

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        if form.made is None:
            raise PermissionDenied
        return form.made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service has saved it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing hangs on it."""

    asked: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@admin.register(Backup)
class BackupAdmin(_Work):
    form = BackupForm
    list_display = ["slug", "cause", "status", "taken_at", "rows", "files", "size", "put_back"]
    list_filter = ["status", "cause"]
    asked = ("slug",)
    shown = ("slug", "schema_name", "cause", "status", "created_at", "taken_at", "finished_at", "rows", "files", "size",
             "error", "put_back")  # fmt: skip
    readonly_fields = ["size", "put_back"]

    @admin.display(description=_("size"), ordering="size_bytes")
    def size(self, row: Backup) -> str:
        return filesizeformat(row.size_bytes)

    @admin.display(description=_("Restore"))
    def put_back(self, row: Backup) -> str:
        if row.status != Backup.Status.READY:
            return ""
        address = reverse("admin:tenants_restore_add")
        return format_html('<a href="{}?backup={}">{}</a>', address, row.pk, _("Put back…"))


@admin.register(Restore)
class RestoreAdmin(_Work):
    form = RestoreForm
    list_display = ["slug", "backup", "status", "created_at", "finished_at", "rows", "reason"]
    list_select_related = ["backup"]
    asked = ("backup", "slug", "reason")
    shown = ("slug", "schema_name", "backup", "before", "reason", "status", "created_at", "finished_at", "rows",
             "notes", "error")  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """From a backup's own line only: there it is plain which one is put back."""
        return super().has_add_permission(request) and ("backup" in request.GET or request.method == "POST")
