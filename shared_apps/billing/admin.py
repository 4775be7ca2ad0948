"""What operators see of usage and fees of all tenants, day by day; and where they say what there is to buy."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from shared_apps.billing import limits
from shared_apps.billing.models import Plan, TicketFees, Usage

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


@admin.register(TicketFees)
class TicketFeesAdmin(UsageAdmin):
    """What the fees of tickets come to; reckoned like usage."""

    list_display = (
        "day",
        "tenant",
        "currency",
        "tickets",
        "gross_minor",
        "fee_minor",
        "collected_minor",
        "measured_at",
    )
    list_filter = ["day", "currency"]
    ordering = ["-day", "tenant_id", "currency"]
    fields = list_display
    readonly_fields = list_display


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    """What there is to buy. A change reaches everybody who has the plan at once; who has one that is no longer offered
    keeps it, so none is deleted."""

    list_display = (
        "name",
        "slug",
        "price_minor",
        "currency",
        "interval",
        "ticket_fee_percent",
        "is_offered",
        "position",
    )
    ordering = ["position", "pk"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # What subscribers agreed to pay is not changed under them: another price is another plan.
        return ("slug", "price_minor", "currency", "interval", "stripe_price") if obj else ("stripe_price",)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        limits.refresh_all(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
