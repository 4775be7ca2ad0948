"""What the signed-in person may do here, so that pages show nothing else. The views and services decide anew."""

from django import template
from django.template.context import Context

from tenant_apps.staff.permissions import is_staff_here, permissions_anywhere

register = template.Library()


@register.simple_tag(takes_context=True)
def my_permissions(context: Context) -> frozenset[str]:
    """{% my_permissions as rights %}: by the role, and what a grant on any event gives, for the menu's entries."""
    return permissions_anywhere(getattr(context.get("request"), "user", None))


@register.simple_tag(takes_context=True)
def staff_here(context: Context) -> bool:
    """{% staff_here as staff_here %}: whether the way to the dashboard is shown. No statement for strangers."""
    return is_staff_here(getattr(context.get("request"), "user", None))
