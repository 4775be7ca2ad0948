"""Pages of messages to people, of the account for text messages, and of the devices that take pushes."""

from django.urls import path

from tenant_apps.notifications.views import messages, push, sms

dashboard = [
    path("events/<slug:slug>/messages/", messages.write, name="dashboard-event-messages"),
    path("events/<slug:slug>/messages/<uuid:pk>/", messages.message, name="dashboard-event-message"),
    path("events/<slug:slug>/messages/<uuid:pk>/stop/", messages.stop, name="dashboard-event-message-stop"),
    path("settings/text-messages/", sms.account, name="dashboard-sms"),
    path("settings/text-messages/remove/", sms.remove, name="dashboard-sms-remove"),
]
account = [
    path("account/devices/", push.devices, name="my-devices"),
    path("account/devices/<uuid:pk>/remove/", push.remove, name="my-device-remove"),
    path("account/devices/worker.js", push.worker, name="my-devices-worker"),
]
