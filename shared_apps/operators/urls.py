"""The operators' console on the platform's host; on tenants' hosts the way in and out of a visit, and its list."""

from django.urls import path

from shared_apps.operators.views import console, here, reports

console_urlpatterns = [
    path("operator/", console.tenants, name="operators-tenants"),
    path("operator/tenants/<slug:slug>/", console.tenant, name="operators-tenant"),
    path("operator/tenants/<slug:slug>/suspend/", console.suspend, name="operators-suspend"),
    path("operator/tenants/<slug:slug>/resume/", console.resume, name="operators-resume"),
    path("operator/tenants/<slug:slug>/measure/", console.measure, name="operators-measure"),
    path("operator/tenants/<slug:slug>/visit/", console.visit, name="operators-visit"),
    path("operator/failed/", console.failed, name="operators-failed"),
    path("operator/failed/retry/", console.retry, name="operators-retry"),
    path("operator/visits/", console.visits, name="operators-visits"),
    path("operator/visits/<uuid:pk>/end/", console.end_visit, name="operators-visit-end"),
    path("operator/reports/", reports.reports, name="operators-reports"),
    path("operator/reports/<uuid:pk>/decide/", reports.decide, name="operators-reports-decide"),
    path("operator/hidden-profiles/<int:pk>/show/", reports.show_again, name="operators-show-again"),
    path("operator/health/", console.health, name="operators-health"),
]
tenant_urlpatterns = [
    path("operator/enter/", here.enter, name="operators-enter"),
    path("operator/leave/", here.leave, name="operators-leave"),
]
dashboard_urlpatterns = [
    path("operators/", here.visits, name="dashboard-operators"),
    path("operators/<uuid:pk>/end/", here.end, name="dashboard-operators-end"),
]
