"""Who the tenants are: an organizer's or partner's account with one schema, and the hosts that lead to it."""

import re
import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from shared_apps.core.clock import validate_zone
from shared_apps.core.money import validate_currency
from tenants import hosts
from tenants.querysets import DomainQuerySet, TenantQuerySet

# N5. A DNS label ends at 63 characters, whatever the pattern would still allow.
SLUG = re.compile(r"[a-z0-9](-?[a-z0-9]){2,39}")
SCHEMA = re.compile(r"t_[a-z0-9_]{1,40}")
RESERVED_SLUGS = frozenset(
    "about abuse account accounts admin api app apps assets auth autodiscover billing blog calendar cdn cluster"
    " console contact dashboard demo dev developer developers dns docs download email embed events example faq feed"
    " files finance foyer ftp gateway grafana graphql healthz help host hostmaster imap img info internal invoice"
    " invoices jobs kb legal localhost login logout mail mailbox manage media metrics mobile monitor mx new news ns ns1"
    " ns2 oauth official operator ops order orders owner pay payment payments pop pop3 portal postmaster press pricing"
    " privacy prod production prometheus public register relay root sales sandbox scan scanner search secure security"
    " sentry server service settings shop signin signup smtp sso staff staging static stats status store stripe"
    " support system template tenant tenants terms test tests ticket tickets tos uploads user users webhook webhooks"
    " webmail wiki www www1 www2".split()
)


def claim_token() -> str:
    """Return what DNS has to say for a new claim; 160 bits that nobody guesses."""
    return secrets.token_hex(20)


SLUG_HINT = _("Use 3 to 40 small Latin letters, digits and single hyphens; a letter or digit at both ends.")


def validate_slug(value: str) -> None:
    """Refuse a slug that is malformed, reserved or looks like an internationalised host name (N5)."""
    if not SLUG.fullmatch(value) or len(value) > 63 or "--" in value:
        raise ValidationError(
            SLUG_HINT,
            code="slug_invalid",
        )
    if value in RESERVED_SLUGS:
        raise ValidationError(_("This address is reserved."), code="slug_reserved")


class Tenant(TenantMixin):
    """An organizer's or a retail partner's account, with one Postgres schema.

    The row is kept in every process's cache with its domain, so everything that each request needs stands here.
    """

    class Kind(models.TextChoices):
        ORGANIZER = "organizer", _("Organizer")
        RETAIL = "retail", _("Retail partner")

    class Status(models.TextChoices):
        OPENING = "opening", _("Opening")
        OPEN = "open", _("Open")
        SUSPENDED = "suspended", _("Suspended")
        CLOSING = "closing", _("Closing")
        CLOSED = "closed", _("Closed")

    class Cause(models.TextChoices):
        """Why a tenant is suspended. Each cause is set and lifted by itself; open again is who has none left."""

        OPERATOR = "operator", _("Platform")
        BILLING = "billing", _("Unpaid invoice")
        OWNER = "owner", _("Owner's wish")

    # Provisioning replays a rendered template; django-tenants' own migrate on save would take seconds.
    auto_create_schema = False
    auto_drop_schema = False

    schema_name = models.CharField(
        max_length=42,
        unique=True,
        validators=[RegexValidator(rf"^(public|{SCHEMA.pattern})\Z")],
        editable=False,
    )
    slug = models.CharField(_("address"), max_length=63, unique=True, validators=[validate_slug])
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.ORGANIZER)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.OPENING)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[validate_currency])
    timezone = models.CharField(_("time zone"), max_length=63, default="UTC", validators=[validate_zone])
    language = models.CharField(_("language"), max_length=10, default="en")
    colour = models.CharField(
        _("colour"), max_length=7, default="#4f46e5", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z")]
    )
    logo = models.CharField(_("logo"), max_length=200, blank=True)
    tagline = models.CharField(_("tagline"), max_length=200, blank=True)
    # What `settings/` of the API shows beyond the fields above; `tenants.preferences` names and checks each key.
    preferences = models.JSONField(default=dict, blank=True)
    # What the plan allows and costs, written by `shared_apps.billing.limits` whenever plan or standing change; empty
    # until then. Read only.
    limits = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    # How many tenant migrations this schema has; fewer than the code knows means "behind": 503 (N6).
    migrations_applied = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    # Since when at least one cause stands; `suspensions` is {cause: {"at": ISO 8601, "reason": text}}.
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspensions = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), editable=False)
    # While `closing`: when it is closed for good and erased, unless its owner takes that back before.
    closes_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Nothing of it is left but this row, which keeps its slug and schema name from others (N5).
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if self.language not in dict(settings.LANGUAGES):
            raise ValidationError({"language": _("This language is not offered.")})

    @property
    def is_public(self) -> bool:
        """True for the stand-in that `request.tenant` is on the platform's own site."""
        return self.schema_name == "public"

    def save(self, *args: Any, **kwargs: Any) -> None:
        from tenants import lookup

        # TenantMixin.save takes `verbosity` as its first positional argument.
        super().save(1, *args, **kwargs)
        lookup.forget()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        from tenants import lookup

        deleted = super().delete(False, *args, **kwargs)
        lookup.forget()
        return deleted


class Domain(DomainMixin):
    """A host name that leads to a tenant, without port, in small letters (IDNA A-label).

    Without `verified_at` it leads nowhere (N5). The platform's own subdomains need no proof.
    """

    domain: str  # DomainMixin's column, which django-tenants leaves untyped
    verified_at = models.DateTimeField(null=True, blank=True)

    objects = DomainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_primary=True), name="domain_one_primary_each"
            )
        ]

    def clean(self) -> None:
        super().clean()
        self.domain = hosts.normal(self.domain)
        if self.domain in hosts.platform_hosts():
            raise ValidationError({"domain": _("This is the platform's own address.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        from tenants import lookup

        self.domain = hosts.normal(self.domain)
        if self.verified_at is None and hosts.is_subdomain(self.domain):
            self.verified_at = now()
        super().save(*args, **kwargs)
        lookup.forget()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        from tenants import lookup

        deleted = super().delete(*args, **kwargs)
        lookup.forget()
        return deleted


class DomainClaim(models.Model):
    """A host that a tenant says is its own, and what DNS says to that (N5). Several may claim one host; who proves it
    has a `Domain` row too, and nobody else.

    `token` is what DNS has to say. It is new with each claim: what an old claim left behind in DNS proves nothing.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for proof")
        PROVED = "proved", _("Proved")
        # The proof is gone; so is the host, `domains.GRACE` after `failing_since`.
        FAILING = "failing", _("Proof is missing")
        LOST = "lost", _("Proof ended")
        # Proved as well, and another tenant's, whose proof still stands.
        TAKEN = "taken", _("Used by another organizer")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="domain_claims", db_index=False)
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64, default=claim_token)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    claimed_at = models.DateTimeField(default=now, db_default=Now())
    # When DNS was last asked, when it last proved it, since when it says otherwise, what it said instead.
    checked_at = models.DateTimeField(null=True, blank=True)
    proved_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    found = models.CharField(max_length=500, blank=True)
    # NULL: only by hand.
    next_check_at = models.DateTimeField(null=True, blank=True, default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "domain"], name="domainclaim_once")]
        indexes = [
            models.Index(fields=["domain"], name="domainclaim_domain"),
            models.Index(
                fields=["next_check_at"], condition=models.Q(next_check_at__isnull=False), name="domainclaim_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} of {self.tenant_id}"


class RetiredSlug(models.Model):
    """A slug that was once somebody's; it never goes to another organizer (N5)."""

    slug = models.CharField(max_length=63, unique=True)
    tenant = models.ForeignKey(Tenant, models.SET_NULL, null=True, related_name="retired_slugs")
    retired_at = models.DateTimeField(default=now, db_default=Now())

    def __str__(self) -> str:
        return self.slug


class SchemaTemplate(models.Model):
    """The statements that make a tenant's schema, rendered once per state of the migration graph."""

    graph_hash = models.CharField(max_length=64, unique=True)
    statements = models.JSONField()
    migrations = models.IntegerField()
    rendered_at = models.DateTimeField(default=now, db_default=Now())

    def __str__(self) -> str:
        return self.graph_hash[:12]


class ConnectedAccount(models.Model):
    """An account at a payment provider that a tenant linked to the platform: whose messages it is that come to the
    platform's own address (O7). One account is one tenant's; whoever linked it first keeps it.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="connected_accounts")
    provider = models.CharField(max_length=20)
    account = models.CharField(max_length=120)
    linked_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "account"], name="connectedaccount_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.account}"


class Heartbeat(models.Model):
    """When a part of the background work was last alive: beat, and each queue that a worker took a pulse from.

    `lag_ms` is how long the pulse had waited in its queue. One row for each name, for ever.
    """

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(default=now, db_default=Now())
    lag_ms = models.IntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"


class DueJob(models.Model):
    """When a job has something to do next in a tenant: what the fan-out reads instead of a thousand schemas.

    A row is a hint and nothing more (G3): `tenants.due` makes lost ones anew, and looks into every schema from time to
    time. The job itself decides by the tenant's own rows. `tenants.due` says what the columns go through.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", db_index=False)
    job = models.CharField(max_length=60)
    due_at = models.DateTimeField(default=now, db_default=Now())
    # Somebody asked for it then, and a worker was sent for; NULL once one has taken it.
    wanted_at = models.DateTimeField(null=True)
    # How often it was taken since it last ended well.
    tries = models.IntegerField(default=0, db_default=0)
    # So many hints were left, since it last ended well, that it has to be run whatever its question answers.
    hints = models.IntegerField(default=0, db_default=0)
    # When the tenant was asked for what `due_at` says: two workers may note in another order than they asked.
    asked_at = models.DateTimeField(null=True)
    # Of the look-around only: how many changed rows Postgres had counted when the tenant was last asked.
    seen = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "job"], name="duejob_once")]
        indexes = [models.Index(fields=["job", "due_at"], name="duejob_due")]

    def __str__(self) -> str:
        return f"{self.job} of {self.tenant_id}"


from tenants.backup_models import Backup, Restore  # noqa: E402, F401  (models of this app, in a file of their own)
