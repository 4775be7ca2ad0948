from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketingConfig(AppConfig):
    name = "tenant_apps.ticketing"
    label = "ticketing"
    verbose_name = _("Ticketing")

    def ready(self) -> None:
        from tenant_apps.ticketing import moved, personal  # noqa: F401  (moves lists; says what is held about people)
        from tenants import freshness

        # Tickets and scans are many, and nobody's list shows them.
        unseen = (
            "Ticket", "EventKey", "CheckIn", "CheckInList", "CheckInListType", "CheckInZone", "Handover", "RetiredCode",
            "OfflineScan",
        )  # fmt: skip
        freshness.watch("ticketing", stock=("Quota",), unseen=unseen)
