"""The check of 0004 holds for the rows that were there as well; reading them locks nobody out (P1)."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0004_transfer_said")]

    operations = [ValidateConstraint("tickettype", "ticket_type_transfer_said")]
