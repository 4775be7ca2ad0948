"""What buyers are asked to agree to, and who agreed to which words when."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7


class LegalText(models.Model):
    """One version of a text. Its words never change: who agreed to it agreed to these. A newer version takes its place.

    `ended_at` NULL is the one that buyers are shown now, at most one for each code.
    """

    code = models.SlugField(_("short name"), max_length=40)
    version = models.IntegerField()
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"))
    # Without agreeing nothing can be ordered; else it is asked for and may be left out.
    required = models.BooleanField(_("required"), default=True, db_default=True)
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(default=now, db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("legal text")
        verbose_name_plural = _("legal texts")
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="legaltext_version_once"),
            models.UniqueConstraint(fields=["code"], condition=Q(ended_at__isnull=True), name="legaltext_one_current"),
            models.CheckConstraint(condition=Q(version__gte=1), name="legaltext_version_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.version})"


class Consent(models.Model):
    """Somebody agreed to one version of a text, with an order. Written with the order, and kept as long as it is.

    The order is one of an app above this one: its id, without a constraint. `withdrawn_at` is for what was not
    required.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    text = models.ForeignKey(LegalText, models.PROTECT, related_name="consents")
    order_id = models.UUIDField(null=True)
    order_code = models.CharField(max_length=20, blank=True)
    user_id = models.BigIntegerField(null=True)
    email = models.EmailField(max_length=254)
    address = models.GenericIPAddressField(null=True)
    agreed_at = models.DateTimeField(default=now, db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["order_id", "text"], name="consent_once_an_order")]
        indexes = [models.Index(fields=["agreed_at"], name="consent_age")]

    def __str__(self) -> str:
        return f"{self.text_id} {self.order_code}"
