from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "tenant_apps.notifications"
    label = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        from tenant_apps.notifications import channels
        from tenant_apps.notifications.channels import email, push, sms

        for way in (email, push, sms):
            channels.register(way)
        # Each registers its topics, or what follows from those of others.
        from tenant_apps.notifications import (  # noqa: F401  (they register themselves)
            buyer_topics,
            checkup,
            clock_alerts,
            digest,
            domain_alerts,
            event_news,
            favourites,
            followers,
            goods,
            message_personal,
            message_tasks,
            message_words,
            money,
            periodic_personal,
            personal,
            plan_watch,
            refunds,
            reminders,
            reviews,
            staff,
            staff_alerts,
            staff_topics,
            stock_watch,
            subscribers,
            tickets,
            usage,
            waiting,
        )

        staff_alerts.offer_optional()
