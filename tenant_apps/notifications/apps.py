from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "tenant_apps.notifications"
    label = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        from tenant_apps.notifications import channels
        from tenant_apps.notifications.channels import email

        channels.register(email)
        # Each registers its topics, or what follows from those of others.
        from tenant_apps.notifications import (  # noqa: F401  (they register themselves)
            buyer_topics,
            checkup,
            event_news,
            goods,
            money,
            personal,
            refunds,
            staff,
            staff_topics,
            subscribers,
            tickets,
            waiting,
        )
