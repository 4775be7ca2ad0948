"""notifications/, message-templates/ and mail-sender/."""

from django.urls import path

from api.v1.notifications import views

tenant_urls = [
    path("notifications/", views.NotificationsView.as_view(), name="notifications"),
    path("notifications/unread/", views.UnreadView.as_view(), name="notifications-unread"),
    path("notifications/read-all/", views.ReadAllView.as_view(), name="notifications-read-all"),
    path("notifications/<uuid:pk>/read/", views.ReadView.as_view(), name="notifications-read"),
    path("message-templates/", views.TemplatesView.as_view(), name="message-templates"),
    path("message-templates/<str:topic>/<slug:language>/", views.TemplateView.as_view(), name="message-template"),
    path(
        "message-templates/<str:topic>/<slug:language>/preview/",
        views.TemplatePreviewView.as_view(),
        name="message-template-preview",
    ),
    path("mail-sender/", views.SenderView.as_view(), name="mail-sender"),
    path("mail-sender/test/", views.SenderTestView.as_view(), name="mail-sender-test"),
    path("mail-sender/records/", views.SenderRecordsView.as_view(), name="mail-sender-records"),
]
