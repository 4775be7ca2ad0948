"""Who a mail address and a password belong to."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from shared_apps.accounts.models import User
from shared_apps.core.errors import DomainError


class EmailBackend(BaseBackend):
    """Signs in by address without regard to case. Grants no permission: rights are rows in a tenant (I3).

    Our own doors do not come this way. Whatever calls Django's `authenticate()`, a library's view say, gets nobody
    for an account with two-step login: there is no code in such a call, and none must not be enough.
    """

    def authenticate(
        self, request: HttpRequest | None, email: str | None = None, password: str | None = None, **other: Any
    ) -> User | None:
        email = email or other.get(User.USERNAME_FIELD) or other.get("username")
        if email is None or password is None:
            return None
        from shared_apps.accounts import second_factor, services

        try:
            user = services.check_credentials(email, password)
        except DomainError:
            return None
        return None if second_factor.is_on(user) else user

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
