"""Where payments are found."""

from django.urls import path

from api.v1.payments import views

tenant_urls = [
    path("payments/", views.PaymentsView.as_view(), name="payments"),
    path("payments/<uuid:pk>/", views.PaymentView.as_view(), name="payment"),
    path("payments/<uuid:pk>/complete/", views.CompleteTestPaymentView.as_view(), name="payment-complete"),
]
