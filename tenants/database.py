"""The default connection as what it is here: one that knows in which schema it is."""

from typing import Any

from django.db import connection as _connection

# django-stubs know the plain wrapper only; ours is tenants.postgresql.base.DatabaseWrapper.
connection: Any = _connection
