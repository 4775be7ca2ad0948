"""The questions that are asked about texts and consents."""

from django.db.models import Count, Q, QuerySet

from tenant_apps.consents.models import Consent, LegalText


def consents(wanted: str = "") -> "QuerySet[Consent]":
    """Return who agreed to what, newest first; only those of an address or an order's code if one is given."""
    found = Consent.objects.select_related("text").order_by("-agreed_at", "-id")
    return found.filter(Q(email__iexact=wanted) | Q(order_code__iexact=wanted)) if wanted else found


def counted_versions() -> "QuerySet[LegalText]":
    """Return all versions, each text's newest first, with `agreed`: how many agreed to it and still do."""
    agreed = Count("consents", filter=Q(consents__withdrawn_at__isnull=True))
    return LegalText.objects.annotate(agreed=agreed).order_by("code", "-version")
