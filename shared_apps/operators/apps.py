from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperatorsConfig(AppConfig):
    name = "shared_apps.operators"
    label = "operators"
    verbose_name = _("Operators")

    def ready(self) -> None:
        from shared_apps.accounts.operators import gate
        from shared_apps.core.access import register_operators_gate
        from shared_apps.operators import notices, personal, tasks  # noqa: F401  (they register themselves)

        register_operators_gate(gate)
