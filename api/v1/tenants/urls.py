"""Where a tenant of one's own is found: on the platform's host."""

from django.urls import path

from api.v1.tenants import views

public_urls = [
    path("tenants/<str:slug>/", views.TenantView.as_view(), name="tenant"),
    path("tenants/<str:slug>/domains/", views.DomainsView.as_view(), name="tenant-domains"),
    path("tenants/<str:slug>/domains/<str:domain>/", views.DomainView.as_view(), name="tenant-domain"),
    path("tenants/<str:slug>/domains/<str:domain>/verify/", views.VerifyView.as_view(), name="tenant-domain-verify"),
    path("tenants/<str:slug>/domains/<str:domain>/primary/", views.PrimaryView.as_view(), name="tenant-domain-primary"),
]
