"""A tenant's site: storefront, accounts, the staff's dashboard, and the API of the tenant."""

from django.urls import include, path

from api import checks
from api.urls import below
from api.v1.urls import tenant_urls
from platform_config import sitemap
from shared_apps.accounts import urls as accounts
from shared_apps.core.paths import by_parts
from shared_apps.operators import urls as operators
from shared_apps.people import urls as people
from tenant_apps.activity import urls_dashboard as activity_dashboard
from tenant_apps.catalog import urls_dashboard as catalog_dashboard
from tenant_apps.catalog import urls_storefront as catalog_storefront
from tenant_apps.consents import urls as consents
from tenant_apps.customers import urls_dashboard as customers_dashboard
from tenant_apps.customers import urls_storefront as customers_storefront
from tenant_apps.events import urls_dashboard as events_dashboard
from tenant_apps.events import urls_storefront as events_storefront
from tenant_apps.imports import urls_dashboard as imports_dashboard
from tenant_apps.notifications import urls_dashboard as notifications_dashboard
from tenant_apps.notifications import urls_messages, urls_reminders
from tenant_apps.notifications import urls_storefront as notifications_storefront
from tenant_apps.onboarding import urls_dashboard as onboarding_dashboard
from tenant_apps.orders import urls_account as my_orders
from tenant_apps.orders import urls_dashboard as orders_dashboard
from tenant_apps.orders import urls_storefront as orders_storefront
from tenant_apps.payments import urls_dashboard as payments_dashboard
from tenant_apps.payments import urls_storefront as payments_storefront
from tenant_apps.promotions import urls_dashboard as promotions_dashboard
from tenant_apps.reports import urls_dashboard as reports_dashboard
from tenant_apps.reviews import urls as reviews
from tenant_apps.staff import urls_dashboard as staff_dashboard
from tenant_apps.staff.views import settings as staff_settings
from tenant_apps.ticketing import urls_dashboard as ticketing_dashboard
from tenant_apps.ticketing import urls_storefront as ticketing_storefront
from tenant_apps.webhooks import urls_dashboard as webhooks_dashboard

_dashboard = [
    *reports_dashboard.urlpatterns,
    *events_dashboard.urlpatterns,
    *urls_messages.dashboard,
    # Before ticketing's, of which the last takes any word after an event.
    *orders_dashboard.urlpatterns,
    *urls_reminders.urlpatterns,
    *ticketing_dashboard.urlpatterns,
    *catalog_dashboard.urlpatterns,
    *customers_dashboard.urlpatterns,
    *promotions_dashboard.urlpatterns,
    *imports_dashboard.urlpatterns,
    *payments_dashboard.urlpatterns,
    *staff_dashboard.urlpatterns,
    *onboarding_dashboard.urlpatterns,
    *consents.dashboard,
    *reviews.dashboard,
    *notifications_dashboard.urlpatterns,
    *webhooks_dashboard.urlpatterns,
    *activity_dashboard.urlpatterns,
    *operators.dashboard_urlpatterns,
]
_pages = [
    *below(tenant_urls),
    *accounts.urlpatterns,
    *people.urlpatterns,
    *my_orders.urlpatterns,
    *urls_messages.account,
    *ticketing_storefront.urlpatterns,
    *catalog_storefront.urlpatterns,
    *events_storefront.urlpatterns,
    *customers_storefront.urlpatterns,
    *orders_storefront.urlpatterns,
    *payments_storefront.urlpatterns,
    *notifications_storefront.urlpatterns,
    *consents.storefront,
    *reviews.storefront,
    *operators.tenant_urlpatterns,
    by_parts("dashboard/", include(_dashboard)),
    path("media/logo/<str:file>", staff_settings.logo_file, name="tenant-logo"),
    path("robots.txt", sitemap.robots, name="robots"),
    path("sitemap.xml", sitemap.index, name="sitemap"),
    path("sitemap-<slug:name>-<int:page>.xml", sitemap.part, name="sitemap-part"),
]
urlpatterns = [by_parts("", include(_pages))]

handler400 = "api.errors.bad_request"
handler403 = "api.errors.forbidden"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"

checks.enforce(urlpatterns, on_platform=False)
