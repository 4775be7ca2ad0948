"""What a tenant decides about its site: columns and preferences of its row in public; its audit trail tells."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import to_minor
from tenant_apps.activity.services import record
from tenants import due
from tenants.context import current_tenant, in_public
from tenants.logos import keep_logo
from tenants.models import Tenant
from tenants.preferences import all_preferences, checked

COLUMNS = ("name", "tagline", "colour", "language", "timezone")


def settings_of(tenant: Tenant) -> dict[str, Any]:
    """Return every setting with the value that holds."""
    return {**{name: getattr(tenant, name) for name in COLUMNS}, **all_preferences(tenant)}


def change_settings(changes: Mapping[str, Any], *, actor: Any) -> Tenant:
    """Change some of the present tenant's settings, all or none. Raises InvalidInput, naming each field.

    The line in the audit trail is committed before the row in public: a crash in between leaves a line too many,
    never a change that nobody stood for (P7; citus.md, rule 3: one schema to a transaction).
    """
    here = current_tenant()
    columns = {name: _line(name, value) for name, value in changes.items() if name in COLUMNS}
    preferences = checked({name: changes[name] for name in changes if name not in COLUMNS}, prefix="")
    _refuse_odd_digits(preferences.get("service_fee_fixed", "0"), here.currency)
    with in_public():
        tenant = Tenant.objects.get(pk=here.pk)
    before = settings_of(tenant)
    _apply(tenant, columns, preferences)
    _check(tenant)
    after = settings_of(tenant)
    changed = sorted(name for name in after if after[name] != before[name])
    if not changed:
        return tenant
    with transaction.atomic():
        details = {
            "before": {name: before[name] for name in changed},
            "after": {name: after[name] for name in changed},
        }
        record("settings.changed", tenant, actor=actor, details=details, deliver=False)
    with in_public(), transaction.atomic():
        # Another's change of other settings that was made meanwhile stays.
        tenant = Tenant.objects.select_for_update(of=("self",)).get(pk=here.pk)
        _apply(tenant, columns, preferences)
        tenant.save(update_fields=[*columns, "preferences"])
    if "reminder_offsets_minutes" in changed:
        due.hint("notifications.remind")
    if "timezone" in changed:
        due.hint("reports.send_due")
    return tenant


def _refuse_odd_digits(amount: str, currency: str) -> None:
    """Raise InvalidInput for an amount with more digits than the tenant's currency has (M5)."""
    try:
        to_minor(amount, currency)
    except ValueError:
        raise InvalidInput(
            errors=[FieldError("service_fee_fixed", "invalid", _("This is no amount in %s.") % currency)]
        ) from None


def change_logo(upload: Any, *, actor: Any) -> Tenant:
    """Take an uploaded picture as the tenant's logo, or with None have none. The file of the one before stays: papers
    that were issued show it. Raises ImageRefused, ImageTooLarge."""
    here = current_tenant()
    name = keep_logo(upload) if upload is not None else ""
    if name == here.logo:
        return here
    with transaction.atomic():
        details = {"before": {"logo": here.logo}, "after": {"logo": name}}
        record("settings.changed", here, actor=actor, details=details, deliver=False)
    with in_public(), transaction.atomic():
        tenant = Tenant.objects.select_for_update(of=("self",)).get(pk=here.pk)
        tenant.logo = name
        tenant.save(update_fields=["logo"])
    return tenant


def _line(name: str, value: Any) -> str:
    """A column's text on one line, without what cannot be seen (B8)."""
    if not isinstance(value, str):
        raise InvalidInput(errors=[FieldError(name, "invalid", _("This must be text."))])
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _apply(tenant: Tenant, columns: Mapping[str, Any], preferences: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(tenant, name, value)
    tenant.preferences = {**tenant.preferences, **preferences}


def _check(tenant: Tenant) -> None:
    try:
        with in_public():
            tenant.clean_fields(exclude=[f.name for f in Tenant._meta.fields if f.name not in COLUMNS])
            tenant.clean()
    except ValidationError as error:
        raise InvalidInput(
            errors=[
                FieldError(field, fault.code or "invalid", message)
                for field, faults in error.error_dict.items()
                for fault in faults
                for message in fault.messages
            ]
        ) from None
