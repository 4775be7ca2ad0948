from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "tenant_apps.orders"
    label = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from tenant_apps.orders import drawing, footprints, invoice_personal, personal  # noqa: F401  (register themselves)
