from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PromotionsConfig(AppConfig):
    name = "tenant_apps.promotions"
    label = "promotions"
    verbose_name = _("Promotions")

    def ready(self) -> None:
        from tenant_apps.promotions import personal  # noqa: F401  (says what is held about people)
