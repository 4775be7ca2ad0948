"""Fixtures of the tests of tenancy."""

from tests.tenancy.migration_packages import more_migrations

__all__ = ["more_migrations"]
