"""A tenant's site: storefront, dashboard, accounts, and the API of the tenant."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path

from api import checks
from api.urls import below
from api.v1.urls import tenant_urls

urlpatterns = below(tenant_urls)
_storefront = [f"tenant_apps.{app}.urls_storefront" for app in ("ticketing", "events", "orders", "payments", "reports")]
_dashboard = [f"tenant_apps.{app}.urls_dashboard" for app in ("reports", "events", "ticketing", "orders", "payments", "staff", "imports")]
for _name in ("shared_apps.accounts.urls", *_storefront):
    if find_spec(_name):
        urlpatterns += import_module(_name).urlpatterns
urlpatterns += [
    path("dashboard/", include([each for name in _dashboard if find_spec(name) for each in import_module(name).urlpatterns]))
]

handler400 = "api.errors.bad_request"
handler403 = "api.errors.forbidden"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"

checks.enforce(urlpatterns, on_platform=False)
