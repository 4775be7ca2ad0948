"""The staff's pages about orders."""

from django.urls import path

from tenant_apps.orders.views import dashboard, invoices

urlpatterns = [
    path("orders/", dashboard.orders, name="dashboard-orders"),
    path("orders/<slug:code>/", dashboard.order, name="dashboard-order"),
    path("orders/<slug:code>/invoice/", invoices.issue, name="dashboard-order-invoice"),
    path("orders/<slug:code>/invoices/<uuid:pk>.pdf", invoices.for_staff, name="dashboard-order-paper"),
]
