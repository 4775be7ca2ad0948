"""Against abuse of profiles: whom one blocks, what is reported, and what the platform decides on it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.accounts import limits, trail
from shared_apps.accounts.errors import EmailNotVerified
from shared_apps.accounts.models import User
from shared_apps.core import plain_words
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.people.errors import AlreadyDecided, NotOneself
from shared_apps.people.models import PersonBlock, PersonFollow, Profile, ProfileReport
from shared_apps.people.profiles import public_person

LONGEST_NOTE = 500


def block(user: User, person_id: int) -> None:
    """Be found and followed by this person no more, and follow them no more. Twice is once.

    Raises NotFound for whom one cannot see, NotOneself, TooManyRequests.
    """
    if user.pk == person_id:
        raise NotOneself
    if PersonBlock.objects.filter(user=user, blocked_id=person_id).exists():
        return
    # Also whoever hides from us, or is hidden, can be blocked by who follows or is followed by them.
    tied = PersonFollow.objects.filter(
        Q(person=user, follower_id=person_id) | Q(person_id=person_id, follower=user)
    ).exists()
    if not tied:
        public_person(person_id, user)
    limits.count("person_block", f"user:{user.pk}")
    with transaction.atomic():
        list(Profile.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk"))
        PersonBlock.objects.bulk_create([PersonBlock(user=user, blocked_id=person_id)], ignore_conflicts=True)
        both = Q(person=user, follower_id=person_id) | Q(person_id=person_id, follower=user)
        PersonFollow.objects.filter(both).delete()
        trail.note("person.blocked", user.pk, target=f"accounts.user:{person_id}")


def unblock(user: User, person_id: int) -> None:
    """Take a block back. Where there is none, nothing happens."""
    with transaction.atomic():
        if PersonBlock.objects.filter(user=user, blocked_id=person_id).delete()[0]:
            trail.note("person.unblocked", user.pk, target=f"accounts.user:{person_id}")


def blocked_by(user: Any) -> QuerySet[PersonBlock]:
    """Return whom the person blocks, newest first."""
    return PersonBlock.objects.filter(user_id=user.pk).select_related("blocked").order_by("-blocked_at", "-pk")


def report(reporter: User, person_id: int, *, reason: str, note: str = "") -> ProfileReport:
    """Tell the platform of a profile that breaks its rules. While one's report is open, telling again finds it.

    Raises NotFound, NotOneself, EmailNotVerified, InvalidInput, TooManyRequests.
    """
    if not reporter.email_verified:
        raise EmailNotVerified
    if reporter.pk == person_id:
        raise NotOneself
    person = public_person(person_id, reporter)
    if reason not in ProfileReport.Reason.values:
        raise InvalidInput(errors=[FieldError("reason", "invalid_choice", ", ".join(ProfileReport.Reason.values))])
    note = plain_words.one_line(note[: 4 * LONGEST_NOTE])
    if len(note) > LONGEST_NOTE:
        raise InvalidInput(
            errors=[FieldError("note", "max_length", _("At most {most} characters.").format(most=LONGEST_NOTE))]
        )
    open_ = ProfileReport.objects.filter(person=person, reporter=reporter, decided_at=None)
    if known := open_.first():
        return known
    limits.count("profile_report", f"user:{reporter.pk}")
    with transaction.atomic():
        said = "\n".join((plain_words.one_line(person.name), person.profile.about))
        new = ProfileReport(person=person, reporter=reporter, reason=reason, note=note, said=said)
        ProfileReport.objects.bulk_create([new], ignore_conflicts=True)
        trail.note("profile.reported", reporter.pk, target=f"accounts.user:{person_id}", reason=reason)
    return open_.get()


def open_reports() -> QuerySet[ProfileReport]:
    """Return the oldest open report of each person, with how many there are of them (`reports`)."""
    others = ProfileReport.objects.filter(person=OuterRef("person"), decided_at=None)
    earlier = others.filter(
        Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), pk__lt=OuterRef("pk"))
    )
    number = others.order_by().values("person").annotate(number=Count("pk")).values("number")
    rows = ProfileReport.objects.filter(~Exists(earlier), decided_at=None).annotate(reports=Subquery(number))
    return rows.select_related("person", "reporter").order_by("created_at", "pk")


def decide(report_id: UUID, decision: str, *, operator: User, now: datetime | None = None) -> ProfileReport:
    """Hide the profile or leave it; all open reports of that person are decided with it.

    Raises NotFound, AlreadyDecided, InvalidInput.
    """
    if decision not in ProfileReport.Decision.values:
        raise InvalidInput(errors=[FieldError("decision", "invalid_choice", ", ".join(ProfileReport.Decision.values))])
    now = now or timezone.now()
    with transaction.atomic():
        found = ProfileReport.objects.filter(pk=report_id).first()
        if found is None:
            raise NotFound
        row = Profile.objects.select_for_update(no_key=True).filter(pk=found.person_id).first()
        changed = ProfileReport.objects.filter(person_id=found.person_id, decided_at=None).update(
            decision=decision, decided_at=now
        )
        if not changed:
            raise AlreadyDecided
        if row is not None and decision == ProfileReport.Decision.HIDDEN and row.hidden_at is None:
            row.hidden_at = now
            row.save(update_fields=["hidden_at"])
            PersonFollow.objects.filter(person_id=row.pk).delete()
        with trail.acting(operator):
            trail.note(
                "profile.hidden" if decision == ProfileReport.Decision.HIDDEN else "profile.kept", found.person_id,
                target=f"people.profilereport:{found.pk}", reports=changed,
            )  # fmt: skip
    found.refresh_from_db()
    return found


def show_again(person_id: int, *, operator: User) -> None:
    """Take the platform's hiding of a profile back. Raises NotFound where none is hidden."""
    with transaction.atomic():
        if not Profile.objects.filter(pk=person_id, hidden_at__isnull=False).update(hidden_at=None):
            raise NotFound
        with trail.acting(operator):
            trail.note("profile.shown_again", person_id, target=f"accounts.user:{person_id}")


def hidden_profiles() -> QuerySet[Profile]:
    """Return what the platform hides, newest first."""
    return Profile.objects.filter(hidden_at__isnull=False).select_related("user").order_by("-hidden_at", "pk")
