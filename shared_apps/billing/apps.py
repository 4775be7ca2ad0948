from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "shared_apps.billing"
    label = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from shared_apps.billing import limits, requests  # noqa: F401  (they say what they count)
        from shared_apps.departures.keeping import keep

        keep("billing.Usage", "figures of each day without names, which invoices rest on")
