from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "tenant_apps.reports"
    label = "reports"
    verbose_name = _("Reports")

    def ready(self) -> None:
        from tenant_apps.reports import (  # noqa: F401  (they register themselves)
            attending,
            buying,
            mailing,
            personal,
            restored,
            selling,
            settlement,
            stocking,
            subscribers,
        )
