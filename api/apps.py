"""The API as an app of Django's: it has no tables, but checks and a command."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from drf_spectacular.contrib import rest_auth

        from api import checks, cors  # noqa: F401  (register themselves)

        # They describe views that need allauth's tables, which are not here, and warn about it each time.
        for extension in vars(rest_auth).values():
            if "dj_rest_auth.registration" in str(getattr(extension, "target_class", "")):
                extension.target_class = None
