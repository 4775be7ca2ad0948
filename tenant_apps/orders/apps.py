from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "tenant_apps.orders"
    label = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from tenant_apps.orders import (  # noqa: F401  (they register themselves)
            at_door,
            checkup,
            consent_personal,
            drawing,
            footprints,
            invoice_personal,
            personal,
            platform_fees,
            usage,
            waiting_personal,
            waiting_watch,
        )
