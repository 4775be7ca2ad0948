"""What must not be found in a production database."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, register
from django.db import connections

from platform_config.demo.people import DEMO_EMAILS


@register(Tags.database)
def no_demo_people(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to go on in production while someone could sign in with the demo's well-known password (P4)."""
    if settings.DEVELOPMENT or not databases:
        return []
    from shared_apps.accounts.models import User

    connection = connections["default"]
    if User._meta.db_table not in connection.introspection.table_names():
        return []
    found = User.objects.filter(email__in=DEMO_EMAILS, is_active=True).count()
    if not found:
        return []
    return [
        Critical(
            f"{found} demo user(s) with a well-known password can sign in.",
            hint="This database was filled by seed_demo. Start production on an empty one.",
            id="foyer.C001",
        )
    ]
