"""Which host a page stands on, for parts that are included without their page's context."""

from typing import Any

from django import template

from tenants.context import current_tenant, is_in_tenant

register = template.Library()


@register.simple_tag
def present_tenant() -> Any:
    """{% present_tenant as tenant %}: the tenant whose host this is, None on the platform's."""
    return current_tenant() if is_in_tenant() else None
