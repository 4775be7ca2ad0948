"""What operators see of usage: all tenants, day by day."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from shared_apps.billing.models import Usage

COLUMNS = ("day", "tenant", "orders", "paid_tickets", "mails", "api_requests", "storage_bytes", "measured_at")


@admin.register(Usage)
class UsageAdmin(admin.ModelAdmin):
    """Reckoned by the schedule; nobody changes it here."""

    list_display = COLUMNS
    list_select_related = ["tenant"]
    list_filter = ["day"]
    search_fields = ["tenant__slug", "tenant__name"]
    date_hierarchy = "day"
    ordering = ["-day", "tenant_id"]
    fields = COLUMNS
    readonly_fields = COLUMNS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
