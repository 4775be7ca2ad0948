from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "tenant_apps.customers"
    label = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from tenant_apps.customers import personal  # noqa: F401  (says what is held about people)
