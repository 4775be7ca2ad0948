"""The platform's own site: what it is, sign-up, accounts, the operators' admin, and the API of the platform."""

from django.contrib import admin
from django.urls import include, path

from api import checks
from api.urls import below
from api.v1.urls import public_urls
from platform_config import mailbox
from shared_apps.accounts import urls as accounts
from shared_apps.core.paths import by_parts
from shared_apps.departures import urls as departures
from shared_apps.operators import urls as operators
from shared_apps.people import urls as people
from shared_apps.signup import urls as signup
from tenant_apps.orders import urls_account as my_orders

_pages = [
    *below(public_urls),
    *accounts.platform_urlpatterns,
    *people.urlpatterns,
    *my_orders.urlpatterns,
    *signup.urlpatterns,
    *departures.urlpatterns,
    *mailbox.urlpatterns,
    *operators.console_urlpatterns,
    path("admin/", admin.site.urls),
]
urlpatterns = [by_parts("", include(_pages))]

handler400 = "api.errors.bad_request"
handler403 = "api.errors.forbidden"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"

checks.enforce(urlpatterns, on_platform=True)
