"""What a person shows of themselves, to whom, and who follows them.

Private until its owner says otherwise. A public profile is found by its number; one that is private, hidden, blocked
for the asker, of an ended account, or that never was all look alike: there is nothing (N2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from shared_apps.accounts import limits, trail
from shared_apps.accounts.errors import EmailNotVerified
from shared_apps.accounts.models import User
from shared_apps.core import plain_words
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.people import avatars
from shared_apps.people.errors import NotOneself, ProfileNeedsName
from shared_apps.people.models import PersonBlock, PersonFollow, Profile

LONGEST_ABOUT, LONGEST_NAME = 1000, 150
CHOICES = ("is_public", "shows_coming", "shows_attended")


@dataclass(frozen=True)
class Seen:
    """A public profile as others see it."""

    id: int
    name: str
    about: str
    avatar: str | None
    followers: int
    following: bool
    is_own: bool
    shows_coming: bool
    shows_attended: bool


# --- One's own ----------------------------------------------------------------------------------------------------


def profile_of(user: User) -> Profile:
    """Return the person's profile; one that was never written is private and empty."""
    return Profile.objects.filter(pk=user.pk).first() or Profile(user=user)


def change_profile(user: User, changes: dict[str, Any]) -> Profile:
    """Change name, about, is_public, shows_coming, shows_attended; what is not named stays.

    Raises InvalidInput naming each field, ProfileNeedsName and EmailNotVerified for who wants to be public,
    TooManyRequests. Whoever makes their profile private is followed by nobody any more.
    """
    limits.count("profile_change", f"user:{user.pk}")
    cleaned = _cleaned(changes)
    with transaction.atomic():
        # Following names the profile's row too: of both at once one waits.
        Profile.objects.bulk_create([Profile(user=user)], ignore_conflicts=True)
        row = Profile.objects.select_for_update(no_key=True).get(pk=user.pk)
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        before = {**{name: getattr(row, name) for name in ("about", *CHOICES)}, "name": person.name}
        changed = {name: value for name, value in cleaned.items() if before[name] != value}
        if not changed:
            return row
        if "name" in changed:
            person.name = changed["name"]
            person.save(update_fields=["name"])
            user.name = person.name
        for name in changed.keys() - {"name"}:
            setattr(row, name, changed[name])
        if row.is_public:
            if not person.email_verified:
                raise EmailNotVerified
            if not plain_words.one_line(person.name):
                raise ProfileNeedsName(field="name")
        row.save()
        if not row.is_public:
            PersonFollow.objects.filter(person=person).delete()
        # What was written is on the profile; the trail says what was switched and that words changed.
        told = {name: changed[name] for name in CHOICES if name in changed}
        trail.note("profile.changed", user.pk, fields=sorted(changed), **told)
    return row


def _cleaned(changes: dict[str, Any]) -> dict[str, Any]:
    found, errors = {}, []
    for name, longest, clean in (
        ("name", LONGEST_NAME, plain_words.one_line), ("about", LONGEST_ABOUT, plain_words.lines)
    ):  # fmt: skip
        if name in changes:
            # Bounded before it is looked at letter by letter.
            typed = str(changes[name])
            found[name] = clean(typed) if len(typed) <= 4 * longest else typed
            if len(found[name]) > longest:
                errors.append(FieldError(name, "max_length", _("At most {most} characters.").format(most=longest)))
    if errors:
        raise InvalidInput(errors=errors)
    return {**found, **{name: bool(changes[name]) for name in CHOICES if name in changes}}


# --- Others' ------------------------------------------------------------------------------------------------------


def _public() -> QuerySet[Profile]:
    return Profile.objects.filter(is_public=True, hidden_at=None, user__is_active=True).exclude(user__name="")


def _blocks(viewer: Any) -> Exists:
    return Exists(PersonBlock.objects.filter(user=OuterRef("user"), blocked=viewer.pk))


def public_person(person_id: int, viewer: Any = None) -> User:
    """Return a person whose public profile the viewer may see. Raises NotFound, whyever there is none for them."""
    found = _public().filter(pk=person_id)
    if viewer is not None and viewer.is_authenticated:
        found = found.exclude(_blocks(viewer))
    row = found.select_related("user").first()
    # A name of blank letters is none; the account's own door lets it in.
    if row is None or not plain_words.one_line(row.user.name):
        raise NotFound
    person: User = row.user
    person.profile = row
    return person


def seen(person: User, viewer: Any = None) -> Seen:
    """Return what the viewer sees of a `public_person`."""
    signed_in = viewer is not None and viewer.is_authenticated
    follows = signed_in and PersonFollow.objects.filter(person=person, follower_id=viewer.pk).exists()
    row = person.profile
    return Seen(
        id=person.pk, name=plain_words.one_line(person.name), about=row.about, avatar=avatars.address_of(person),
        followers=followers_of(person.pk), following=bool(follows), is_own=signed_in and viewer.pk == person.pk,
        shows_coming=row.shows_coming, shows_attended=row.shows_attended,
    )  # fmt: skip


def followers_of(person_id: int) -> int:
    """Return how many follow the person: counted along the index."""
    return PersonFollow.objects.filter(person_id=person_id, follower__is_active=True).count()


# --- Following ----------------------------------------------------------------------------------------------------


def follow(follower: User, person_id: int) -> User:
    """Follow a person. Twice is once.

    Raises NotFound for whom one may not see, NotOneself, EmailNotVerified, TooManyRequests.
    """
    if not follower.email_verified:
        raise EmailNotVerified
    if follower.pk == person_id:
        raise NotOneself
    person = public_person(person_id, follower)
    if PersonFollow.objects.filter(person=person, follower=follower).exists():
        return person
    limits.count("person_follow", f"user:{follower.pk}")
    with transaction.atomic():
        # Held while it is public and nobody blocks: switching either off waits, and then takes this row along.
        row = _public().select_for_update(no_key=True, of=("self",)).filter(pk=person_id).first()
        if row is None or PersonBlock.objects.filter(user_id=person_id, blocked=follower).exists():
            raise NotFound
        PersonFollow.objects.bulk_create([PersonFollow(person=person, follower=follower)], ignore_conflicts=True)
    return person


def unfollow(follower: User, person_id: int) -> None:
    """Follow no more. Where one did not, nothing happens; whether there is such a person is not told."""
    PersonFollow.objects.filter(person_id=person_id, follower=follower).delete()


def followed_by(user: Any) -> QuerySet[PersonFollow]:
    """Return whom the person follows and may still see, newest first."""
    there = _public().filter(pk=OuterRef("person")).exclude(_blocks(user))
    rows = PersonFollow.objects.filter(Exists(there), follower_id=user.pk).select_related("person")
    return rows.order_by("-followed_at", "-pk")


def shown(people: Iterable[User]) -> list[dict[str, Any]]:
    """Return people as a list names them: id, name, picture. One statement."""
    listed = list(people)
    files = avatars.addresses_of([each.pk for each in listed])
    return [{"id": each.pk, "name": plain_words.one_line(each.name), "avatar": files.get(each.pk)} for each in listed]
