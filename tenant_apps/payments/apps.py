from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "tenant_apps.payments"
    label = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from tenant_apps.payments import (  # noqa: F401  (register themselves)
            checkup,
            connected,
            leaving,
            personal,
            subscribers,
            usage,
        )
