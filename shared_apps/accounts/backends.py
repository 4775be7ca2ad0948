"""Who a mail address and a password belong to."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from shared_apps.accounts.models import User


class EmailBackend(BaseBackend):
    """Signs in by address without regard to case. Grants no permission: rights are rows in a tenant (I3).

    An unknown address costs the same hash as a known one, so that time does not tell them apart (I7).
    """

    def authenticate(
        self, request: HttpRequest | None, email: str | None = None, password: str | None = None, **other: Any
    ) -> User | None:
        email = email or other.get(User.USERNAME_FIELD) or other.get("username")
        if email is None or password is None:
            return None
        user = User.objects.by_email(email)
        if user is None:
            make_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
