from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    name = "tenant_apps.events"
    label = "events"
    verbose_name = _("Events")

    def ready(self) -> None:
        from tenant_apps.events import media, personal, usage  # noqa: F401  (removes files; says what is held about people; counts)
        from tenants import freshness

        # In a rush of likes the counters are stock: half a second old rather than a hundred answers made in vain.
        freshness.watch("events", stock=("EventStanding",), unseen=("EventUserPermission", "StandingChange"))
