"""What the platform's operators see of people, on the platform's host only (I3)."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from shared_apps.accounts import second_factor, services, trail
from shared_apps.accounts.models import PlatformAuditEntry, Session, User
from shared_apps.accounts.tokens import end_everywhere
from shared_apps.core.access import anyone


@anyone
def _our_login(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Sign-in goes through our page with its limits; who is signed in and no operator finds nothing here."""
    if request.user.is_authenticated:
        if admin.site.has_permission(request):
            return redirect("admin:index")
        raise Http404
    target = request.GET.get("next") or request.get_full_path()
    return redirect(f"{settings.LOGIN_URL}?{urlencode({'next': target})}")


admin.site.login = _our_login  # type: ignore[method-assign]  # Django's way to put another in its place
admin.site.site_header = admin.site.site_title = "Foyer"

# allauth's tables are changed by what we do with them, and two of them not at all.
for _model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class _Reading(admin.ModelAdmin):
    """Rows change through services, which keep what hangs on them right."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.fields or () if isinstance(name, str) and name not in self.changeable]

    changeable: tuple[str, ...] = ()

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with trail.acting(request.user):
            return super().changelist_view(request, *args, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with trail.acting(request.user):
            return super().changeform_view(request, *args, **kwargs)


@admin.register(User)
class UserAdmin(_Reading):
    list_display = ["email", "name", "email_verified_at", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name"]
    ordering = ["-id"]
    fields = [
        *["email", "name", "language", "timezone", "is_active"],
        *["email_verified_at", "is_staff", "is_superuser", "date_joined"],
    ]
    changeable = ("name", "language", "timezone", "is_active")
    actions = ["log_out", "turn_off_second_factor"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if "is_active" in form.changed_data and not obj.is_active:
            services.deactivate(obj)
        changed = sorted(set(form.changed_data) & set(self.changeable))
        super().save_model(request, obj, form, change)
        # The fields' names and the switch: names and the like are the person's, and stand in their row.
        switch = {"is_active": obj.is_active} if "is_active" in changed else {}
        before = {name: not value for name, value in switch.items()}
        trail.note("account.changed", obj.pk, fields=changed, before=before, after=switch)

    @admin.action(description="Log out everywhere")
    def log_out(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            end_everywhere(user)

    @admin.action(description="Turn two-step login off (whoever lost phone and recovery codes)")
    def turn_off_second_factor(self, request: HttpRequest, queryset: Any) -> None:
        """The owner is told by mail, and every session ends: whoever asked proves the password anew."""
        for user in queryset:
            if second_factor.is_on(user):
                second_factor.turn_off(user, schema_name="public")
                end_everywhere(user)


@admin.register(Session)
class SessionAdmin(_Reading):
    list_display = ["user", "created_at", "used_at", "expires_at", "revoked_at", "address"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    ordering = ["-created_at"]
    fields = ["user", "created_at", "used_at", "expires_at", "revoked_at", "address", "user_agent"]


@admin.register(PlatformAuditEntry)
class PlatformAuditEntryAdmin(_Reading):
    """What happened to accounts and tenants. Nobody changes it here."""

    list_display = ["at", "topic", "refused", "whose", "done_by", "schema_name", "address", "target"]
    list_filter = ["refused", "topic", "schema_name"]
    search_fields = ["=user_id", "=actor_id", "whose", "target", "request_id", "address"]
    search_help_text = "An email address, a person's id, a target, a request id or a network address"
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
    list_per_page = 50
    # Counting the whole trail for each page of it would read all of it.
    show_full_result_count = False
    fields = [
        *["at", "topic", "refused", "user_id", "whose", "actor_id", "done_by", "target"],
        *["schema_name", "address", "request_id", "details"],
    ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        people = User.objects.all()
        return (
            super()
            .get_queryset(request)
            .annotate(
                whose=Subquery(people.filter(pk=OuterRef("user_id")).values("email")),
                done_by=Subquery(people.filter(pk=OuterRef("actor_id")).values("email")),
            )
        )

    @admin.display(description="account")
    def whose(self, entry: Any) -> str:
        return entry.whose or ""

    @admin.display(description="by")
    def done_by(self, entry: Any) -> str:
        return entry.done_by or ""
