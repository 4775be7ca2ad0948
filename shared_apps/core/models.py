"""Abstract bases that the apps' models share."""

from django.db import models
from django.db.models.functions import Now


class Stamped(models.Model):
    """A row that knows when it was made and last changed. `modified_at` serves `?modified_since=`."""

    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True
