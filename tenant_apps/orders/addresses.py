"""A person's saved addresses in this tenant: at most five, nobody sees another's."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.orders import errors
from tenant_apps.orders.models import SavedAddress

MOST = 5
FIELDS = ("name", "phone", "country", "city", "street", "house", "apartment", "postcode", "comment")
# Without these nobody finds the door.
REQUIRED = ("name", "city", "street")


def addresses_of(person: User) -> Any:
    """Return the person's saved addresses, the one last changed first."""
    return SavedAddress.objects.filter(user_id=person.pk)


def as_delivery(address: SavedAddress) -> dict[str, str]:
    """Return the address as an order's `delivery` takes it, without the parts that are empty."""
    return {name: getattr(address, name) for name in FIELDS if getattr(address, name)}


@transaction.atomic
def save_address(person: User, fields: Mapping[str, str]) -> SavedAddress:
    """Keep another address. The very same one is kept once. Raises TooManyAddresses, InvalidInput."""
    wanted = _checked(fields)
    known = list(addresses_of(person))
    for address in known:
        if all(getattr(address, name) == wanted.get(name, "") for name in FIELDS):
            return address
    for slot in sorted(set(range(1, MOST + 1)) - {address.slot for address in known}):
        try:
            with transaction.atomic():
                address = SavedAddress.objects.create(user=person, slot=slot, **wanted)
        except IntegrityError:
            continue  # another request of theirs was faster
        record("address.saved", address, actor=person, details=made(slot=address.slot), deliver=False)
        return address
    raise errors.TooManyAddresses(most=MOST)


@transaction.atomic
def change_address(address: SavedAddress, fields: Mapping[str, str]) -> SavedAddress:
    """Change what is given. Raises InvalidInput naming each part that does not fit."""
    address = SavedAddress.objects.select_for_update().get(pk=address.pk)
    before = {name: getattr(address, name) for name in FIELDS}
    after = _checked({**before, **{name: fields[name] for name in FIELDS if name in fields}})
    for name, value in after.items():
        setattr(address, name, value)
    address.save()
    person = User.objects.filter(pk=address.user_id).first()
    # Which parts, not what they say: the trail is no book of addresses.
    told = {"fields": before_and_after(before, after)["fields"]}
    record("address.changed", address, actor=person, details=told, deliver=False)
    return address


@transaction.atomic
def forget_address(address: SavedAddress) -> None:
    """Delete a saved address; orders keep what was written on them."""
    person = User.objects.filter(pk=address.user_id).first()
    record("address.deleted", address, actor=person, details=gone(slot=address.slot), deliver=False)
    address.delete()


def _checked(fields: Mapping[str, str]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    wrong: list[FieldError] = []
    for name in FIELDS:
        text = " ".join(str(fields.get(name) or "").split())
        longest: int = SavedAddress._meta.get_field(name).max_length  # type: ignore[union-attr, assignment]  # text fields all, each with a length
        if len(text) > longest:
            wrong.append(FieldError(name, "too_long", _("At most %d characters.") % longest))
        if not text and name in REQUIRED:
            wrong.append(FieldError(name, "required", _("Please fill this in.")))
        wanted[name] = text
    if wrong:
        raise InvalidInput(errors=wrong)
    return wanted
