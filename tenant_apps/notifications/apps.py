from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "tenant_apps.notifications"
    label = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        # Each registers what follows from its topics.
        from tenant_apps.notifications import (  # noqa: F401  (they register themselves)
            checkup,
            goods,
            money,
            refunds,
            staff,
            subscribers,
            tickets,
            waiting,
        )
