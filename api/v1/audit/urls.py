"""Where the audit trail is found."""

from django.urls import path

from api.v1.audit.views import AuditView

tenant_urls = [path("audit/", AuditView.as_view(), name="audit")]
