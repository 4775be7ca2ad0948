"""The staff's pages about roles."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.staff import roles
from tenant_apps.staff.forms import RoleForm
from tenant_apps.staff.models import Role
from tenant_apps.staff.permissions import permissions_of
from tenant_apps.staff.presets import PERMISSIONS
from tenant_apps.staff.ticks import ticks


@staff("manage_staff")
def listed(request: HttpRequest) -> HttpResponse:
    """All roles, with what each lets people do and how many have it."""
    found = list(Role.objects.annotate(people=Count("memberships")).order_by("pk"))
    for role in found:
        role.words = [PERMISSIONS[name] for name in PERMISSIONS if name in role.rights]  # type: ignore[attr-defined]  # for the template, beside the row's own
    return render(request, "dashboard/staff/roles.html", {"nav": "team", "tab": "roles", "roles": found})


@staff("manage_staff")
def new(request: HttpRequest) -> HttpResponse:
    """A new role, with `?copy=` ticked as another one."""
    given = request.GET.get("copy", "")
    copied = (
        Role.objects.filter(pk=int(given)).first() if given.isascii() and given.isdigit() and len(given) < 19 else None
    )
    form = RoleForm(request.POST or None, initial={"name": _("%(name)s, copy") % {"name": copied} if copied else ""})
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            roles.make_role(name=typed["name"], permissions=typed["permissions"], actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("The role is made."))
            return redirect("dashboard-roles")
    return _edit(request, None, form, copied.rights if copied else frozenset())


@staff("manage_staff")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a role, or tick other permissions."""
    role = _role(pk)
    form = RoleForm(request.POST or None, initial={"name": role.name})
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            wanted = None if role.is_owner else typed["permissions"]
            roles.change_role_itself(role, name=typed["name"], permissions=wanted, actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Saved. It holds from the next click of everybody who has this role."))
            return redirect("dashboard-roles")
    return _edit(request, role, form, role.rights)


def _edit(request: HttpRequest, role: Role | None, form: Any, ticked: frozenset[str]) -> HttpResponse:
    posted = request.method == "POST"
    held = permissions_of(request.user)
    context = {
        "nav": "team",
        "tab": "roles",
        "role": role,
        "form": form,
        "people": role.memberships.count() if role else 0,
        "groups": ticks(
            () if role and role.is_owner else held, ticked=request.POST.getlist("permissions") if posted else ticked
        ),
    }
    return render(request, "dashboard/staff/role.html", context, status=400 if posted else 200)


@staff("manage_staff")
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    role = _role(pk)
    try:
        roles.delete_role(role, actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("dashboard-role", pk=pk)
    messages.success(request, _("The role is deleted."))
    return redirect("dashboard-roles")


def _role(pk: int) -> Role:
    role = Role.objects.filter(pk=pk).first()
    if role is None:
        raise Http404
    return role
