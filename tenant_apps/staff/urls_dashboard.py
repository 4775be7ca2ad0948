"""The staff's pages about the site itself."""

from django.urls import path

from tenant_apps.staff.views import settings

urlpatterns = [path("settings/", settings.site, name="dashboard-settings")]
