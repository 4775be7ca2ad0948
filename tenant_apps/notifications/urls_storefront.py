"""A person's feed, and the link by which one gets no more mail."""

from django.urls import path

from tenant_apps.notifications.views import feed, unsubscribe

urlpatterns = [
    path("account/notices/", feed.listed, name="notices"),
    path("account/notices/count/", feed.count, name="notices-count"),
    path("account/notices/read-all/", feed.read_all, name="notices-read-all"),
    path("account/notices/<uuid:pk>/", feed.one, name="notice"),
    path("unsubscribe/<str:token>/", unsubscribe.page, name="unsubscribe"),
]
