"""The checks that 0010 made hold for the rows that were there as well; reading them locks nobody out (P1)."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0010_check_in_zones")]

    operations = [
        ValidateConstraint("checkinlist", "check_in_list_window"),
        ValidateConstraint("checkinlist", "check_in_list_day_starts"),
    ]
