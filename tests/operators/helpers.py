"""People who run the platform, and what they look at."""

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from shared_apps.accounts.models import User
from tests.factories import make_user

REASON = "The owner asked why no mail leaves."


def make_operator(email="olga@operators.test", *, second_factor=True, **fields):
    """An operator with two-step login, unless told otherwise."""
    user = make_user(email, **fields)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    if second_factor:
        TOTP.activate(user, generate_totp_secret())
    return User.objects.get(pk=user.pk)
