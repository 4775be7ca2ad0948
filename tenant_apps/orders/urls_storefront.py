"""Where a buyer orders."""

from django.urls import path

from tenant_apps.orders.views import invoices, storefront

urlpatterns = [
    path("events/<slug:slug>/", storefront.event, name="storefront-event"),
    path("orders/<str:code>/<str:secret>/invoice.pdf", invoices.mine, name="storefront-invoice"),
    path("orders/<str:code>/<str:secret>/invoice/", invoices.ask, name="storefront-invoice-ask"),
]
