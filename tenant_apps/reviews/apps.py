from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReviewsConfig(AppConfig):
    name = "tenant_apps.reviews"
    label = "reviews"
    verbose_name = _("Reviews")

    def ready(self) -> None:
        from tenant_apps.reviews import personal  # noqa: F401  (says what is held about people)
        from tenants import freshness

        freshness.watch("reviews", unseen=("ReviewReport",))
