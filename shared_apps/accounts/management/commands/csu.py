"""manage.py csu: the platform's first operator, from the environment."""

import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from shared_apps.accounts import services, trail
from shared_apps.accounts.models import User
from shared_apps.core.errors import DomainError


def _given(name: str) -> str:
    """The variable, or the text of the file that NAME_FILE points at."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise CommandError(f"{name}_FILE: cannot read {path}: {error.strerror}.") from None
    if value := os.environ.get(name):
        return value
    raise CommandError(f"Set {name} or {name}_FILE.")


class Command(BaseCommand):
    """Makes the superuser, or gives an existing person the right. Run twice it changes nothing."""

    help = "Make the operator named by CSU_EMAIL with CSU_PASSWORD (or CSU_EMAIL_FILE, CSU_PASSWORD_FILE)."

    def handle(self, *args: Any, **options: Any) -> None:
        email, password = _given("CSU_EMAIL").strip(), _given("CSU_PASSWORD")
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError("CSU_EMAIL is no email address.") from None
        user = User.objects.by_email(email)
        try:
            if user is None:
                services.check_new_password(password, User(email=email), field="CSU_PASSWORD")
                user = User.objects.create_superuser(email, password)
                trail.note("account.operator_made", user.pk, by_owner=False)
                self.stdout.write(f"Made the operator {email}.")
                return
            changed = not user.is_superuser or not user.is_staff or not user.is_active or not user.email_verified
            if changed:
                user.is_superuser = user.is_staff = user.is_active = True
                user.email_verified_at = user.email_verified_at or timezone.now()
                user.save(update_fields=["is_superuser", "is_staff", "is_active", "email_verified_at"])
                trail.note("account.operator_made", user.pk, by_owner=False)
            if not user.check_password(password):
                services.set_password(user, password)
                changed = True
        except DomainError as error:
            raise CommandError(" ".join(str(one.message) for one in error.errors) or str(error)) from None
        self.stdout.write(f"{email} is an operator{'' if changed else ' already'}.")
