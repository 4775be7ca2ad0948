"""The staff's pages of what people are told."""

from django.urls import path

from tenant_apps.notifications.views import sender, words

urlpatterns = [
    path("settings/messages/", words.listed, name="dashboard-messages"),
    path("settings/messages/<str:topic>/<slug:language>/", words.edit, name="dashboard-message"),
    path("settings/messages/<str:topic>/<slug:language>/reset/", words.reset, name="dashboard-message-reset"),
    path("settings/sender/", sender.page, name="dashboard-mail-sender"),
    path("settings/sender/test/", sender.test, name="dashboard-mail-sender-test"),
    path("settings/sender/check/", sender.check, name="dashboard-mail-sender-check"),
    path("settings/sender/remove/", sender.remove, name="dashboard-mail-sender-remove"),
]
