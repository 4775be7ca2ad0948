"""What the signed-in person may do here, so that pages show nothing else. The views and services decide anew."""

from django import template
from django.template.context import Context

from tenant_apps.staff.permissions import grants_model, is_staff_here, permissions_of
from tenant_apps.staff.scopes import granted_in_scopes

register = template.Library()


@register.simple_tag(takes_context=True)
def my_permissions(context: Context) -> frozenset[str]:
    """{% my_permissions as rights %}: by the role, and what a grant on any event gives, for the menu's entries."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return frozenset()
    granted = grants_model()._default_manager.filter(user_id=user.pk).values_list("permission__codename", flat=True)
    return permissions_of(user) | frozenset(granted) | granted_in_scopes(user)


@register.simple_tag(takes_context=True)
def staff_here(context: Context) -> bool:
    """{% staff_here as staff_here %}: whether the way to the dashboard is shown. No statement for strangers."""
    return is_staff_here(getattr(context.get("request"), "user", None))
