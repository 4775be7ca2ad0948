"""What the signed-in person may do here, so that pages show nothing else. The views and services decide anew."""

from django import template
from django.template.context import Context
from django.utils.translation import gettext as _

from tenant_apps.staff.models import Role
from tenant_apps.staff.permissions import is_staff_here, permissions_anywhere, permissions_of
from tenant_apps.staff.presets import GROUPS, PERMISSIONS
from tenant_apps.staff.scopes import granted_in_scopes

register = template.Library()


@register.simple_tag(takes_context=True)
def my_permissions(context: Context) -> frozenset[str]:
    """{% my_permissions as rights %}: by the role, and what a grant on any event gives, for the menu's entries."""
    user = getattr(context.get("request"), "user", None)
    return permissions_anywhere(user) | granted_in_scopes(user)


@register.simple_tag(takes_context=True)
def my_permissions_everywhere(context: Context) -> frozenset[str]:
    """{% my_permissions_everywhere as everywhere %}: by the role alone, for pages about the tenant as a whole."""
    return permissions_of(getattr(context.get("request"), "user", None))


@register.filter
def role_words(role: Role) -> str:
    """{{ role|role_words }}: what a role lets people do, in the order in which it is ticked."""
    if role.is_owner:
        return str(_("Everything"))
    return ", ".join(str(PERMISSIONS[name]) for _title, names in GROUPS for name in names if name in role.rights)


@register.simple_tag(takes_context=True)
def staff_here(context: Context) -> bool:
    """{% staff_here as staff_here %}: whether the way to the dashboard is shown. No statement for strangers."""
    return is_staff_here(getattr(context.get("request"), "user", None))
