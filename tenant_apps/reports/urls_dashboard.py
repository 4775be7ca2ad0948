"""The dashboard's numbers."""

from django.urls import path

from tenant_apps.reports.views import dashboard, log, money, personal_left, reports, runs, schedules, system_check

urlpatterns = [
    path("", dashboard.home, name="dashboard-home"),
    path("reports/", reports.index, name="dashboard-reports"),
    path("reports/schedules/", schedules.listed, name="dashboard-report-schedules"),
    path("reports/schedules/new/", schedules.new, name="dashboard-report-schedule-new"),
    path("reports/schedules/<uuid:pk>/", schedules.edit, name="dashboard-report-schedule"),
    path("reports/schedules/<uuid:pk>/switch/", schedules.switch, name="dashboard-report-schedule-switch"),
    path("reports/schedules/<uuid:pk>/delete/", schedules.delete, name="dashboard-report-schedule-delete"),
    path("reports/runs/", runs.listed, name="dashboard-report-runs"),
    path("reports/runs/<uuid:pk>/", runs.one, name="dashboard-report-run"),
    path("reports/runs/<uuid:pk>/file/", runs.file, name="dashboard-report-run-file"),
    path("reports/<slug:slug>/", reports.report, name="dashboard-report"),
    path("reports/<slug:slug>.<slug:format>", reports.download, name="dashboard-report-file"),
    path("log/", log.log, name="dashboard-log"),
    path("settings/system-check/", system_check.system_check, name="dashboard-system-check"),
    path("settings/personal-data/", personal_left.page, name="dashboard-personal-data"),
    path("money/", money.settlement, name="dashboard-money"),
    path("money/settlement.csv", money.settlement_file, name="dashboard-money-file"),
    path("money/promotions/", money.promotions, name="dashboard-money-promotions"),
    path("events/<slug:slug>/", dashboard.event, name="dashboard-event"),
]
