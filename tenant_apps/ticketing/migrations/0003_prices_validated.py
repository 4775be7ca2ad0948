"""The checks that 0002 made hold for the rows that were there as well; reading them locks nobody out (P1)."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0002_prices_tiers_rules")]

    operations = [
        ValidateConstraint("tickettype", "ticket_type_price_kind"),
        ValidateConstraint("tickettype", "ticket_type_person_and_stock"),
        ValidateConstraint("quota", "quota_of_event_or_tier"),
    ]
