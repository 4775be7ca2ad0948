"""Where reports are found."""

from django.urls import path

from api.v1.reports import views

tenant_urls = [
    path("reports/promotions/", views.PromotionsView.as_view(), name="report-promotions"),
    path("reports/settlement/", views.SettlementView.as_view(), name="report-settlement"),
    path("reports/settlement.csv", views.SettlementFileView.as_view(), name="report-settlement-file"),
]
