"""`manage.py migrate` is `migrate_schemas`: there is no database without schemas here."""

from tenants.management.commands.migrate_schemas import Command

__all__ = ["Command"]
