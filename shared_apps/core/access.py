"""Who may open a page: every view of a page says so, nothing is open by default (I1).

    @anyone
    def events(request): …

    @staff("view_orders")
    def orders(request): …

The marks check, and `api.checks` refuses to start with a page that has none. Staff's rights are asked through a
gate that the staff app registers: this module knows no app. For classes of views the marks work alike.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.utils.decorators import method_decorator

ANYONE = "anyone"
SIGNED_IN = "signed_in"
OWN = "own"
STAFF = "staff"
# Who runs the platform: on its own host only, with two-step login (I3).
OPERATORS = "operators"

UNSAID = ("GET", "HEAD", "POST")

View = TypeVar("View", bound=Callable[..., Any])
# Raises Forbidden unless the request's user holds one of the permissions, or works here if none is named. It may answer
# in the page's place, to lead somebody to what is missing.
Gate = Callable[[HttpRequest, tuple[str, ...]], HttpResponseBase | None]

_gate: Gate | None = None
_operators_gate: Callable[[HttpRequest], HttpResponseBase | None] | None = None


def register_gate(gate: Gate) -> None:
    """Name the function that decides on staff permissions. Called once, by the app that owns them."""
    global _gate
    _gate = gate


def register_operators_gate(gate: Callable[[HttpRequest], HttpResponseBase | None]) -> None:
    """Name the function that decides who is an operator. Called once, by the app that knows people."""
    global _operators_gate
    _operators_gate = gate


def anyone(view: View) -> View:
    """Open to everybody."""
    return _marked(view, ANYONE, None)


def own(view: View) -> View:
    """Open to who holds the secret that is in the address; the view finds nothing without it (T5)."""
    return _marked(view, OWN, None)


def signed_in(view: View) -> View:
    """Open to who is signed in; others are sent to the login page and come back."""
    return _marked(view, SIGNED_IN, _require_person)


def operator(view: View) -> View:
    """Open to the platform's operators, on its own host; to others who are signed in there is nothing here."""
    return _marked(view, OPERATORS, _require_operator)


def staff(*permissions: str) -> Callable[[View], View]:
    """Open to who holds one of these permissions, by role or by a grant on at least one event; without names, to
    everybody who works here.

    The view shows and changes only the events that `staff.permissions.events_where` gives for its permission.
    """

    def require(request: HttpRequest) -> HttpResponseBase | None:
        if sent_away := _require_person(request):
            return sent_away
        if _gate is None:
            raise ImproperlyConfigured("No app has registered the gate of staff permissions.")
        return _gate(request, permissions)

    return lambda view: _marked(view, permissions or STAFF, require)


def rule_of(view: Any) -> str | tuple[str, ...] | None:
    """Return what the view of a URL declares: anyone, signed_in, staff, or permissions; None if it has no mark."""
    rule = getattr(view, "access", None)
    if rule is None:
        rule = getattr(getattr(view, "view_class", None), "access", None)
    return rule


def methods_of(view: Any) -> tuple[str, ...]:
    """Return the HTTP methods that the view of a URL takes: those of its `require_…` mark, of its class, or GET and
    POST, which is what the marks of this module let through to a function that says nothing."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        return tuple(name.upper() for name in view_class.http_method_names if hasattr(view_class, name))
    while view is not None:
        code = getattr(view, "__code__", None)
        if code is not None and "request_method_list" in code.co_freevars:
            return tuple(view.__closure__[code.co_freevars.index("request_method_list")].cell_contents)
        view = getattr(view, "__wrapped__", None)
    return UNSAID


def _require_person(request: HttpRequest) -> HttpResponseBase | None:
    if request.user.is_authenticated:
        return None
    # Only a page that was asked for can be come back to.
    return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/")


def _require_operator(request: HttpRequest) -> HttpResponseBase | None:
    if sent_away := _require_person(request):
        return sent_away
    if _operators_gate is None:
        raise ImproperlyConfigured("No app has registered the gate of operators.")
    return _operators_gate(request)


def _marked(view: View, rule: str | tuple[str, ...], require: Callable[..., HttpResponseBase | None] | None) -> View:
    if isinstance(view, type):
        if require is not None:
            view = method_decorator(_guard(require), name="dispatch")(view)
        view.access = rule  # type: ignore[attr-defined]  # a view may carry what it was marked with
        return view
    guarded: Any = _guard(require or _let_in, methods_of(view))(view)
    guarded.access = rule
    return guarded


def _let_in(request: HttpRequest) -> None:
    """Ask nothing."""


def _guard(
    require: Callable[..., HttpResponseBase | None], methods: tuple[str, ...] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if methods is not None and request.method not in methods:
                return HttpResponseNotAllowed(methods)
            return require(request) or view(request, *args, **kwargs)

        return run

    return decorate
