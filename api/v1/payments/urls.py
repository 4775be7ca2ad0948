"""Where payments are found."""

from django.urls import path

from api.v1.payments import accounts, mass, statements, views, webhooks

tenant_urls = [
    path("payments/", views.PaymentsView.as_view(), name="payments"),
    path("payments/<uuid:pk>/", views.PaymentView.as_view(), name="payment"),
    path("payments/<uuid:pk>/complete/", views.CompleteTestPaymentView.as_view(), name="payment-complete"),
    path("payments/webhooks/<slug:name>/", webhooks.WebhookView.as_view(), name="payment-webhook"),
    path("events/<str:event>/refunds/", mass.MassRefundsView.as_view(), name="event-refunds"),
    path("events/<str:event>/refunds/<uuid:pk>/", mass.MassRefundView.as_view(), name="event-refund"),
    path("events/<str:event>/refunds/<uuid:pk>/retry/", mass.RepeatView.as_view(), name="event-refund-retry"),
    path("bank-statements/", statements.StatementsView.as_view(), name="bank-statements"),
    path("bank-statements/<uuid:pk>/", statements.StatementView.as_view(), name="bank-statement"),
    path("bank-statements/<uuid:pk>/book/", statements.BookView.as_view(), name="bank-statement-book"),
    path("payment-accounts/", accounts.AccountsView.as_view(), name="payment-accounts"),
    path("payment-accounts/<uuid:pk>/", accounts.AccountView.as_view(), name="payment-account"),
]
