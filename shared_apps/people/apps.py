from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "shared_apps.people"
    label = "people"
    verbose_name = _("Personal data")

    def ready(self) -> None:
        from shared_apps.people import personal, restored  # noqa: F401  (they register themselves)
