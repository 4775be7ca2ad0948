"""The telephone number that a person wants text messages at, for all tenants."""

from collections.abc import Iterable

from django.db import transaction

from shared_apps.accounts.models import User
from shared_apps.core import limits, phones
from shared_apps.core.errors import TooManyRequests
from shared_apps.people.models import Phone

# A number is typed once in years; whoever changes it often tries to have strangers written to.
CHANGES, CHANGES_SECONDS = 5, 24 * 3600


def number_of(user_id: int | None) -> str:
    """Return the person's number, or ""."""
    if user_id is None:
        return ""
    return Phone.objects.filter(user_id=user_id).values_list("number", flat=True).first() or ""


def numbers_of(user_ids: Iterable[int]) -> dict[int | None, str]:
    """Return the numbers of those of these people who have one; one statement, none for nobody."""
    wanted = set(user_ids)
    return dict(Phone.objects.filter(user_id__in=wanted).values_list("user_id", "number")) if wanted else {}


def set_number(user: User, text: str) -> str:
    """Keep the number and return it as it is kept (E.164). Raises NoPhoneNumber, TooManyRequests."""
    number = phones.checked(text)
    if number == number_of(user.pk):
        return number
    counted = limits.hit(f"phone:{user.pk}", CHANGES, CHANGES_SECONDS)
    if not counted.allowed:
        raise TooManyRequests(retry_after=counted.reset_after)
    with transaction.atomic():
        Phone.objects.update_or_create(user=user, defaults={"number": number})
    return number


def remove_number(user: User) -> None:
    """Forget it. Twice is once."""
    Phone.objects.filter(user=user).delete()
