"""The API as an app of Django's: it has no tables, but checks and a command."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from api import checks  # noqa: F401  (registers itself)
