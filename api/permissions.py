"""Who may call what: every view declares it, nothing is open by default (I1).

A view has `permissions = {"list": ANYONE, "create": "change_event"}`: for a ViewSet by action, for an APIView by
method in small letters. A rule is one of the three words below, the name of a staff permission, or several names
of which one suffices. An API key is let in by the permissions among its scopes; to what is for who is signed in only
where the view names a permission in `for_keys`. `api.checks` refuses to start with a route that has no rule.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission

from shared_apps.core import access
from shared_apps.core.errors import Forbidden, SignInRequired

ANYONE = "anyone"
SIGNED_IN = "signed_in"
# The view's queryset holds only what the caller may see: their own by sign-in, or by an order's secret (I2).
OWN = "own"
# The platform's operators, with two-step login; to others there is nothing there (I3).
OPERATORS = access.OPERATORS

Rule = str | tuple[str, ...]
WORDS = frozenset({ANYONE, SIGNED_IN, OWN, OPERATORS})


def key_of(view: Any, method: str) -> str:
    """Return under which key a view declares its rule for this method."""
    method = method.lower()
    actions = getattr(view, "action_map", None)
    if actions is not None:
        return str(actions.get(method, ""))
    return "get" if method == "head" else method


def rule_of(view: Any, method: str) -> Rule | None:
    """Return the declared rule, None where there is none."""
    rules: dict[str, Rule] = getattr(view, "permissions", None) or {}
    return rules.get(key_of(view, method))


def names_of(rule: Rule) -> tuple[str, ...]:
    return (rule,) if isinstance(rule, str) else rule


class PersonRequired(Forbidden):
    """Some things only people do, whatever a program's key would allow."""

    code = "person_required"
    message = _("This is for people who are signed in. An API key cannot do it.")


class Declared(BasePermission):
    """Checks what the view declares for this method; what is not declared is refused.

    401 for whoever is not signed in, 404 for what the caller may not see, 403 for what they see but may not do.
    """

    def has_permission(self, request: Any, view: Any) -> bool:
        if not view_takes(view, request.method):
            return True  # DRF answers 405 by itself
        rule = rule_of(view, request.method)
        if rule is None:
            return False
        if rule in (ANYONE, OWN):
            return True
        if not request.user.is_authenticated:
            raise SignInRequired
        if rule == OPERATORS:
            require_operator(request)
            return True
        if rule == SIGNED_IN:
            admit_to_persons_view(request, view)
            return True
        require_second_factor(request.user)
        if getattr(view, "scope", "tenant") in ("object", "category"):
            return True  # the view asks on the object it finds, where a grant may suffice
        if hasattr(type(view), "event"):
            view.event  # noqa: B018  (finding the event of the URL asks for the permission on it)
            return True
        require(request, names_of(rule))
        return True


def require_operator(request: Any) -> None:
    """Raise NotFound unless the caller runs the platform, and OperatorsSecondFactor for one without two-step login."""
    from shared_apps.accounts.operators import require_operator as required

    required(request.user, path=request.path)


def view_takes(view: Any, method: str) -> bool:
    """Tell whether the view has a handler of its own for this method."""
    name = method.lower()
    if name == "options":
        return False
    actions = getattr(view, "action_map", None)
    if actions is not None:
        return name in actions
    return name in view.http_method_names and hasattr(view, name)


def require(request: Any, permissions: tuple[str, ...]) -> None:
    """Raise Forbidden unless the caller's role in this tenant grants one of the permissions (I4: read each time)."""
    # Here, because settings name this module before the apps are loaded.
    from tenant_apps.staff.permissions import permissions_of

    if not permissions_of(request.user).intersection(permissions):
        raise Forbidden


def admit_to_persons_view(request: Any, view: Any) -> None:
    """Refuse a program what is for who is signed in, unless the view says in `for_keys` which scope admits it."""
    from tenant_apps.staff.actors import person_of

    if person_of(request.user) is not None:
        return
    names: dict[str, Rule] = getattr(view, "for_keys", {})
    needed = names.get(key_of(view, request.method))
    if needed is None:
        raise PersonRequired
    require(request, names_of(needed))


def require_person(request: Any) -> Any:
    """Return the person who calls. Raises PersonRequired for a program, whatever its scopes."""
    from tenant_apps.staff.actors import person_of

    person = person_of(request.user)
    if person is None:
        raise PersonRequired
    return person


def require_second_factor(user: Any) -> None:
    """Raise SecondFactorRequired (403 `mfa_required`) for staff without two-step login where the tenant asks for it."""
    from tenant_apps.staff.permissions import require_second_factor as required

    required(user)
