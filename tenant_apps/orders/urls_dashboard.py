"""The staff's pages about orders."""

from django.urls import path

from tenant_apps.orders.views import dashboard

urlpatterns = [
    path("orders/", dashboard.orders, name="dashboard-orders"),
    path("orders/<slug:code>/", dashboard.order, name="dashboard-order"),
]
