"""The mark of pages about the tenant as a whole: its bank, its settlement. A right on one event opens none of them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest

from shared_apps.core.access import View, staff
from tenant_apps.staff.permissions import allowed


def staff_everywhere(permission: str) -> Callable[[View], View]:
    """Open to who holds the permission by role. For whom it is granted on single events there is no such page (I2)."""

    def mark(view: View) -> View:
        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not allowed(request.user, permission):
                raise Http404
            return view(request, *args, **kwargs)

        marked: Any = staff(permission)(run)
        marked.scope = "tenant"  # for the table of permissions
        return marked  # type: ignore[no-any-return]  # a function that takes what the view takes

    return mark
