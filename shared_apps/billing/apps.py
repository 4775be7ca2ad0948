from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "shared_apps.billing"
    label = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from shared_apps.billing import (  # noqa: F401  (they register)
            farewell,
            limits,
            personal,
            plans,
            requests,
            restored,
            subscriptions,
        )
        from shared_apps.departures.keeping import keep

        plans.told_by(subscriptions.tell_standing)
        keep("billing.Usage", "figures of each day without names, which invoices rest on")
        keep("billing.PlatformInvoice", "invoices, which the law has us keep")
        keep("billing.TicketFeeBill", "what fees were invoiced for, which the law has us keep")
