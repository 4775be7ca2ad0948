"""The platform's own site: what it is, sign-up, accounts, the operators' admin, and the API of the platform."""

from importlib import import_module
from importlib.util import find_spec

from django.contrib import admin
from django.urls import path

from api import checks
from api.urls import below
from api.v1.urls import public_urls

urlpatterns = below(public_urls)
for _name in ("shared_apps.accounts.urls", "shared_apps.signup.urls", "platform_config.mailbox"):
    if find_spec(_name.rpartition(".")[0]) and find_spec(_name):
        urlpatterns += import_module(_name).urlpatterns
urlpatterns += [path("admin/", admin.site.urls)]

handler400 = "api.errors.bad_request"
handler403 = "api.errors.forbidden"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"

checks.enforce(urlpatterns, on_platform=True)
