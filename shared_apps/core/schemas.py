"""In which schema the connection is, for packages below the tenants."""

from typing import Any

from django.db import connection


def present_schema() -> str:
    """Return the schema that statements go to: `public`, or a tenant's."""
    present: Any = connection
    return str(present.schema_name)
