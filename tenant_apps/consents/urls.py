"""The texts that buyers agree to: read by everybody, published by staff, and who agreed."""

from django.urls import path

from tenant_apps.consents.views import dashboard as staff
from tenant_apps.consents.views import storefront as public

storefront = [
    path("legal/<slug:code>/", public.text, name="storefront-legal"),
]
dashboard = [
    path("settings/legal/", staff.listed, name="dashboard-legal"),
    path("settings/legal/new/", staff.new, name="dashboard-legal-new"),
    path("settings/legal/<slug:code>/", staff.edit, name="dashboard-legal-edit"),
    path("settings/legal/<slug:code>/withdraw/", staff.withdraw, name="dashboard-legal-withdraw"),
    path("consents/", staff.consents, name="dashboard-consents"),
    path("consents/<uuid:pk>/withdraw/", staff.take_back, name="dashboard-consent-withdraw"),
]
