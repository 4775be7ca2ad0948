from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeparturesConfig(AppConfig):
    name = "shared_apps.departures"
    label = "departures"
    verbose_name = _("Departures")

    def ready(self) -> None:
        from shared_apps.departures import own_parts, personal  # noqa: F401  (what every archive holds; what is held)
        from shared_apps.departures.keeping import keep

        keep("departures.Erasure", "this certificate")
        keep("tenants.RetiredSlug", "the address, so that it goes to nobody else")
