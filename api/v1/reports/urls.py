"""Where reports are found."""

from django.urls import path

from api.v1.reports import personal_left, schedules, views

tenant_urls = [
    path("personal-data/", personal_left.PersonalDataView.as_view(), name="personal-data"),
    path("report-schedules/", schedules.SchedulesView.as_view(), name="report-schedules"),
    path("report-schedules/<uuid:pk>/", schedules.ScheduleView.as_view(), name="report-schedule"),
    path("reports/", views.ReportsView.as_view(), name="reports"),
    path("reports/settlement/", views.SettlementView.as_view(), name="report-settlement"),
    path("reports/settlement.csv", views.SettlementFileView.as_view(), name="report-settlement-file"),
    *(path(f"reports/{slug}/", view.as_view(), name=f"report-{slug}") for slug, view in views.VIEWS.items()),
    path("report-runs/", views.RunsView.as_view(), name="report-runs"),
    path("report-runs/<uuid:pk>/", views.RunView.as_view(), name="report-run"),
    path("report-runs/<uuid:pk>/file/", views.RunFileView.as_view(), name="report-run-file"),
]
