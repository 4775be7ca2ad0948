"""Who runs the platform: `is_staff` on an open account, and two-step login; on the platform's own host (I3)."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from shared_apps.accounts import second_factor, trail
from shared_apps.accounts.errors import OperatorsSecondFactor
from shared_apps.core.errors import NotFound
from shared_apps.core.limits import hit

# Of one person so many refused looks are written down in a minute: nobody fills the trail.
MOST_NOTED, SECONDS = 20, 60


def is_operator(user: Any) -> bool:
    """Tell whether the person runs the platform. It gives nothing inside a tenant."""
    return bool(user.is_authenticated and user.is_active and getattr(user, "is_staff", False))


def require_operator(user: Any, *, path: str) -> None:
    """Raise NotFound for who is no operator (and write that down, P7), OperatorsSecondFactor for one who signs in by a
    password alone. Read anew for each request, so taking the right away works on the next one (I4)."""
    if not is_operator(user):
        if hit(f"operators-refused:{user.pk}", MOST_NOTED, SECONDS).allowed:
            trail.note_refusal("operators.refused", user_id=user.pk, path=path[:200])
        raise NotFound
    if not second_factor.is_on(user):
        raise OperatorsSecondFactor


def gate(request: HttpRequest) -> HttpResponseBase | None:
    """For pages: who lacks two-step login is led to where it is set up, and back here."""
    try:
        require_operator(request.user, path=request.path)
    except OperatorsSecondFactor as refusal:
        if request.method not in ("GET", "HEAD"):
            raise
        messages.info(request, str(refusal))
        return redirect(f"{reverse('account:totp')}?{urlencode({'next': request.get_full_path()})}")
    return None
