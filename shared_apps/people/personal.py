"""What this app and the ones below it hold about people in public (accounts and tenants are below, and speak here)."""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.conf import settings
from django.db import models

from shared_apps.accounts import trail
from shared_apps.accounts.models import EmailCode, PlatformAuditEntry, Session, User
from shared_apps.core.personal import Person, Rows, harmless, hold
from shared_apps.people import avatars, wishes
from shared_apps.people.footprints import address_key
from shared_apps.people.models import (
    Agreement,
    BoughtOrder,
    BoughtPlace,
    DataRequest,
    PersonBlock,
    PersonFollow,
    Phone,
    Profile,
    ProfileReport,
)
from tenants.models import Tenant
from tenants.schema_state import labels_of


def _profile(person: Person) -> Rows:
    fields = ("id", "email", "name", "language", "timezone", "email_verified_at", "date_joined")
    return User.objects.filter(pk=person.user_id).values(*fields)


def _end_profile(person: Person) -> int:
    user = User.objects.get(pk=person.user_id)
    _end_everything_that_points_at(user)
    user.email, user.name, user.language, user.timezone = person.alias, "", "", ""
    user.email_verified_at = None
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.last_login = None
    user.save()
    return 1


# These keep their rows: the tenant is another's by then, and the request tells that it was done.
KEEP = (Tenant, DataRequest)


def _end_everything_that_points_at(user: User) -> None:
    """Delete every public row that belongs to the person, also of libraries that we never heard of."""
    for label in sorted(labels_of(settings.SHARED_APPS)):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            if model in KEEP:
                continue
            for field in model._meta.local_fields:
                if isinstance(field, models.ForeignKey) and field.related_model is User:
                    model._base_manager.filter(**{field.name: user}).delete()


def _sessions(person: Person) -> Rows:
    fields = ("created_at", "used_at", "expires_at", "revoked_at", "address", "user_agent")
    return Session.objects.filter(user_id=person.user_id).order_by("created_at").values(*fields)


def _security(person: Person) -> Rows:
    return (
        {
            "at": entry.at,
            "topic": entry.topic,
            "refused": entry.refused,
            "by": trail.who(entry),
            "address": entry.address,
            "details": entry.details,
        }
        for entry in PlatformAuditEntry.objects.filter(user_id=person.user_id).order_by("at", "pk").iterator()
    )


def _end_security(person: Person) -> int:
    """That it happened and when stays; from where, with what and to which address goes."""
    mine = PlatformAuditEntry.objects.filter(models.Q(user_id=person.user_id) | models.Q(actor_id=person.user_id))
    return mine.update(address=None, details={})


def _letters(person: Person) -> Rows:
    if not person.email:
        return []
    rows = EmailCode.objects.filter(email=person.email).order_by("created_at")
    return rows.values("purpose", "email", "name", "language", "created_at", "sent_at", "used_at")


def _end_letters(person: Person) -> int:
    return EmailCode.objects.filter(email=person.email).delete()[0] if person.email else 0


def _linked(person: Person) -> Rows:
    rows = SocialAccount.objects.filter(user_id=person.user_id).order_by("pk")
    return rows.values("provider", "uid", "extra_data", "date_joined", "last_login", "unlinking__created_at")


def _second_factors(person: Person) -> Rows:
    """That there are some and since when; never what they are made of."""
    rows = Authenticator.objects.filter(user_id=person.user_id).order_by("pk")
    return rows.values("type", "created_at", "last_used_at")


def _avatar(person: Person) -> Rows:
    rows = avatars.Avatar.objects.filter(user_id=person.user_id)
    return [{"file": "picture.webp", "changed_at": row.changed_at} for row in rows]


def _end_avatar(person: Person) -> int:
    avatars.remove_avatar(person.user_id)
    return 1


def _wishes(person: Person) -> Rows:
    return [
        {name: wish[name] for name in ("topic", "channel", "enabled")}
        for wish in wishes.wishes_of(User.objects.get(pk=person.user_id))
    ]


def _phone(person: Person) -> Rows:
    return Phone.objects.filter(user_id=person.user_id).values("number", "changed_at")


def _requests(person: Person) -> Rows:
    rows = DataRequest.objects.filter(user_id=person.user_id).order_by("created_at")
    return rows.values("kind", "status", "created_at", "finished_at")


def _owned(person: Person) -> Rows:
    return Tenant.objects.filter(owner_id=person.user_id).order_by("pk").values("slug", "name", "status", "created_at")


def _end_footprints(person: Person) -> int:
    mine = models.Q(user_id=person.user_id)
    if person.email:
        mine |= models.Q(address_key=address_key(person.email))
    return BoughtPlace.objects.filter(mine).delete()[0] + BoughtOrder.objects.filter(mine).delete()[0]


def _agreements(person: Person) -> Rows:
    rows = Agreement.objects.filter(user_id=person.user_id).select_related("text").order_by("agreed_at")
    for row in rows:
        yield {
            "text": row.text.code, "version": row.text.version, "title": row.text.title, "sha256": row.text.sha256,
            "address": row.address, "agreed_at": row.agreed_at,
        }  # fmt: skip


def _public_profile(person: Person) -> Rows:
    fields = ("about", "is_public", "shows_coming", "shows_attended", "hidden_at", "changed_at")
    return Profile.objects.filter(pk=person.user_id).values(*fields)


def _follows(person: Person) -> Rows:
    """Whom one follows, by their number: names are theirs. Of who follows oneself only how many there are."""
    rows = PersonFollow.objects.filter(follower_id=person.user_id).order_by("pk")
    yield from rows.values("person_id", "followed_at")
    if followers := PersonFollow.objects.filter(person_id=person.user_id).count():
        yield {"followers": followers}


def _blocks(person: Person) -> Rows:
    rows = PersonBlock.objects.filter(user_id=person.user_id).order_by("pk")
    return rows.values("blocked_id", "blocked_at")


def _reports(person: Person) -> Rows:
    rows = ProfileReport.objects.filter(reporter_id=person.user_id).order_by("created_at")
    return rows.values("person_id", "reason", "note", "created_at", "decision", "decided_at")


hold("sessions", "accounts.Session", {"user", "address", "user_agent"}, export=_sessions)
# After the account has ended (`profile`), which is noted too.
hold(
    "security_history",
    "accounts.PlatformAuditEntry",
    {"user_id", "actor_id", "address", "details"},
    export=_security,
    erase=_end_security,
    order=95,
)
hold(
    "letters",
    "accounts.EmailCode",
    {"user", "email", "name", "password", "language"},
    export=_letters,
    erase=_end_letters,
)
# Lives for a minute, between the platform's host and a tenant's.
hold("linked_accounts", "socialaccount.SocialAccount", {"user", "uid", "extra_data"}, export=_linked)
hold("unlinked_accounts", "accounts.Unlinking", {"account"})
hold("second_factors", "mfa.Authenticator", {"user", "data"}, export=_second_factors)
hold("arrivals", "accounts.Arrival", {"user"})
hold("picture", "people.Avatar", {"user", "file"}, export=_avatar, erase=_end_avatar)
hold("public_profile", "people.Profile", {"user", "about"}, export=_public_profile)
hold("followed_people", "people.PersonFollow", {"follower", "person"}, export=_follows)
hold("blocked_people", "people.PersonBlock", {"user", "blocked"}, export=_blocks)
hold("reported_profiles", "people.ProfileReport", {"person", "reporter", "note", "reason", "said"}, export=_reports)
hold("notification_preferences", "people.NotificationPreference", {"user"}, export=_wishes)
hold("agreements", "people.Agreement", {"user", "address"}, export=_agreements)
harmless("people.PlatformText", {"title", "body"}, "the platform's own words")
hold("phone", "people.Phone", {"user"}, export=_phone)
hold("requests", "people.DataRequest", {"user", "email", "name", "archive"}, export=_requests)
hold("organizers", "tenants.Tenant", {"owner"}, export=_owned)
hold("footprints", "people.BoughtOrder", {"user", "address_key"}, erase=_end_footprints)
hold("footprints_of_places", "people.BoughtPlace", {"user", "address_key"})
# Last: whatever else points at the person goes with it.
hold(
    "profile",
    "accounts.User",
    {"email", "name", "password", "timezone", "language", "last_login"},
    export=_profile,
    erase=_end_profile,
    order=90,
)
harmless("accounts.EmailCode", {"schema_name"}, "on whose site a letter was asked for; goes with the letter")
harmless("accounts.PlatformAuditEntry", {"schema_name"}, "on whose site it happened")
harmless("people.DataRequest", {"secret"}, "a random number")
harmless("tenants.Tenant", {"name", "tagline"}, "an organizer's public name")
harmless("people.DataRequestStep", {"result", "error"}, "gone with its request, and emptied when the archive is made")
harmless("tenants.SchemaTemplate", {"statements"}, "statements without anybody's rows")
harmless("tenants.Tenant", {"preferences"}, "settings of the site, no person's")
harmless("tenants.Backup", {"schema_name", "error"}, "whose backup it is, and what a program could not do")
harmless(
    "tenants.Restore",
    {"schema_name", "error", "notes", "reason"},
    "why an operator restored a site, and what came of it",
)
harmless("tenants.Heartbeat", {"name"}, "what a queue is called")
harmless("people.DeploymentKey", {"name", "sealed"}, "a key of this deployment's own")
