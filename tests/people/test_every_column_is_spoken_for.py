"""Nothing about a person is kept in a column that export and erasure do not know (P3)."""

import re

from django.apps import apps
from django.conf import settings
from django.db import models

from shared_apps.accounts.models import User
from shared_apps.core import personal

# Columns of these names are looked at, whatever their type.
TELLING = re.compile(
    r"(^|_)(name|email|mail|phone|address|street|city|postcode|actor|actor_id|user|user_id|by|owner|holder|attendee|buyer"
    r"|birthday|password|last_login|secret|note|reason|comment|message|language|timezone|user_agent|about)$"
)
TELLING_TYPES = (models.EmailField, models.GenericIPAddressField, models.JSONField, models.BinaryField)
# Names that tell of things wherever they stand.
ABOUT_THINGS = {("tenants.tenant", "schema_name"), ("tenants.tenant", "language"), ("tenants.tenant", "timezone")}


def own_models():
    for config in apps.get_app_configs():
        if config.name.startswith(("shared_apps.", "tenant_apps.", "tenants")):
            yield from config.get_models(include_auto_created=True)


def suspicious(field):
    to_a_person = isinstance(field, models.ForeignKey) and field.related_model is User
    return to_a_person or isinstance(field, TELLING_TYPES) or bool(TELLING.search(field.name))


def unspoken(all_models):
    spoken = personal.spoken_for() | ABOUT_THINGS
    return sorted(
        f"{model._meta.label}.{field.name}"
        for model in all_models
        for field in model._meta.local_fields
        if suspicious(field) and (model._meta.label_lower, field.name) not in spoken
    )


def test_each_app_says_what_its_columns_hold_about_people():
    found = unspoken(own_models())
    assert not found, f"say in the app's personal.py what becomes of {', '.join(found)}"


def test_a_new_column_that_nobody_spoke_for_is_found():
    class Guestbook(models.Model):  # noqa: DJ008  (never shown)
        visitor_name = models.CharField(max_length=10)
        mood = models.CharField(max_length=10)
        contact = models.EmailField()
        signed_by = models.BigIntegerField()
        seen = models.GenericIPAddressField()

        class Meta:
            app_label = "events"
            managed = False

    try:
        names = [name.rpartition(".")[2] for name in unspoken([Guestbook])]
        assert names == ["contact", "seen", "signed_by", "visitor_name"]
    finally:
        del apps.all_models["events"]["guestbook"]
        apps.clear_cache()


def test_what_was_spoken_for_is_there():
    """A renamed column must not leave its old name behind."""
    models_there = apps.get_models(include_auto_created=True)
    known = {(model._meta.label_lower, field.name) for model in models_there for field in model._meta.local_fields}
    assert not personal.spoken_for() - known


def test_whatever_is_held_about_a_person_is_erased_or_goes_with_the_account():
    shared = {config.label for config in apps.get_app_configs() if config.name in settings.SHARED_APPS}
    for holding in personal._known.holdings.values():
        in_public = holding.model.partition(".")[0] in shared
        reachable = {"orders.order", "payments.payment", "ticketing.checkin", "ticketing.ticket"}
        assert holding.erase or in_public or holding.model in reachable, holding.title
