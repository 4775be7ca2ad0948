"""The dashboard's numbers."""

from django.urls import path

from tenant_apps.reports.views import dashboard, log, money, system_check

urlpatterns = [
    path("", dashboard.home, name="dashboard-home"),
    path("log/", log.log, name="dashboard-log"),
    path("settings/system-check/", system_check.system_check, name="dashboard-system-check"),
    path("money/", money.settlement, name="dashboard-money"),
    path("money/settlement.csv", money.settlement_file, name="dashboard-money-file"),
    path("money/promotions/", money.promotions, name="dashboard-money-promotions"),
    path("events/<slug:slug>/", dashboard.event, name="dashboard-event"),
]
