from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    name = "tenant_apps.webhooks"
    label = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        # Each registers itself: what follows from a topic, what is held about people, what may be wrong.
        from tenant_apps.webhooks import checkup, fan_out, personal  # noqa: F401  (they register themselves)
