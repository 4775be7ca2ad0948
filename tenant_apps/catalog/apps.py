from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "tenant_apps.catalog"
    label = "catalog"
    verbose_name = _("Catalog")

    def ready(self) -> None:
        from tenant_apps.catalog import images, personal  # noqa: F401  (removes files; says what is held about people)
        from tenant_apps.catalog.rights import granted_somewhere
        from tenant_apps.staff.scopes import register_scope
        from tenants import freshness

        register_scope(granted_somewhere)
        freshness.watch(
            "catalog",
            stock=("ProductVariant", "ProductStanding"),
            unseen=("CategoryUserPermission", "ProductStandingChange"),
        )
