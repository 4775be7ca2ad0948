"""The dashboard's numbers."""

from django.urls import path

from tenant_apps.reports.views import dashboard, money, runs

urlpatterns = [
    path("", dashboard.home, name="dashboard-home"),
    path("reports/runs/", runs.listed, name="dashboard-report-runs"),
    path("reports/runs/<uuid:pk>/", runs.one, name="dashboard-report-run"),
    path("reports/runs/<uuid:pk>/file/", runs.file, name="dashboard-report-run-file"),
    path("money/", money.settlement, name="dashboard-money"),
    path("money/settlement.csv", money.settlement_file, name="dashboard-money-file"),
    path("money/promotions/", money.promotions, name="dashboard-money-promotions"),
    path("events/<slug:slug>/", dashboard.event, name="dashboard-event"),
]
