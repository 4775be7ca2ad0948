"""Where reports are found."""

from django.urls import path

from api.v1.reports import schedules, views

tenant_urls = [
    path("report-schedules/", schedules.SchedulesView.as_view(), name="report-schedules"),
    path("report-schedules/<uuid:pk>/", schedules.ScheduleView.as_view(), name="report-schedule"),
    path("reports/promotions/", views.PromotionsView.as_view(), name="report-promotions"),
    path("reports/settlement/", views.SettlementView.as_view(), name="report-settlement"),
    path("reports/settlement.csv", views.SettlementFileView.as_view(), name="report-settlement-file"),
]
