"""A tenant may ask its staff for two-step login; who has none holds no right of the staff's until it is set up.

It is asked where rights are read (`staff.permissions`), so no page, list or route forgets it.
"""

from typing import Any

from shared_apps.accounts import second_factor
from tenants.context import current_tenant
from tenants.preferences import preference


def is_missing(user: Any) -> bool:
    """Tell whether this tenant asks for two-step login and the person has it off. No statement unless it asks."""
    return bool(preference(current_tenant(), "require_2fa_for_staff")) and not second_factor.is_on(user)
