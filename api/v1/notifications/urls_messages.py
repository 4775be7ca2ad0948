"""Writing to people, and the ways beside mail."""

from django.urls import path

from api.v1.notifications import messages, ways

tenant_urls = [
    path("notifications/messages/", messages.MessagesView.as_view(), name="notification-messages"),
    path("notifications/messages/preview/", messages.PreviewView.as_view(), name="notification-preview"),
    path("notifications/messages/<uuid:pk>/", messages.MessageView.as_view(), name="notification-message"),
    path("notifications/messages/<uuid:pk>/stop/", messages.StopMessageView.as_view(), name="notification-stop"),
    path("sms-account/", ways.SmsAccountView.as_view(), name="sms-account"),
    path("push-subscriptions/", ways.PushSubscriptionsView.as_view(), name="push-subscriptions"),
    path("push-subscriptions/<uuid:pk>/", ways.PushSubscriptionView.as_view(), name="push-subscription"),
]
