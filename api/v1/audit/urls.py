"""Where the audit trail, the log and the self-check are found."""

from django.urls import path

from api.v1.audit.checkup import SystemCheckView
from api.v1.audit.log import LogView
from api.v1.audit.views import AuditView

tenant_urls = [
    path("audit/", AuditView.as_view(), name="audit"),
    path("log/", LogView.as_view(), name="log"),
    path("system-check/", SystemCheckView.as_view(), name="system-check"),
]
