"""The operators' console, on the platform's host; and on tenants' hosts what their people see of operators' visits."""

from django.urls import path

from api.v1.operators import views

public_urls = [
    path("operators/summary/", views.SummaryView.as_view(), name="operators-summary"),
    path("operators/tenants/", views.TenantsView.as_view(), name="operators-tenants-list"),
    path("operators/tenants/<str:slug>/", views.TenantView.as_view(), name="operators-tenants-detail"),
    path("operators/tenants/<str:slug>/suspend/", views.SuspendView.as_view(), name="operators-tenants-suspend"),
    path("operators/tenants/<str:slug>/resume/", views.ResumeView.as_view(), name="operators-tenants-resume"),
    path("operators/tenants/<str:slug>/measure/", views.MeasureView.as_view(), name="operators-tenants-measure"),
    path("operators/tenants/<str:slug>/visits/", views.TenantVisitsView.as_view(), name="operators-tenants-visits"),
    path("operators/visits/", views.VisitsView.as_view(), name="operators-visits-list"),
    path("operators/visits/<uuid:pk>/", views.VisitView.as_view(), name="operators-visits-detail"),
    path("operators/failed-work/", views.FailedView.as_view(), name="operators-failed-work"),
    path("operators/failed-work/retry/", views.RetryView.as_view(), name="operators-failed-work-retry"),
]
tenant_urls = [
    path("operator-visits/", views.VisitsHereView.as_view(), name="operator-visits"),
    path("operator-visits/<uuid:pk>/", views.VisitHereView.as_view(), name="operator-visits-detail"),
]
