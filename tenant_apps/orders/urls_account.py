"""A person's own tickets, beside the other pages of their account."""

from django.urls import path

from tenant_apps.orders.views import mine

urlpatterns = [path("account/tickets/", mine.tickets, name="my-tickets")]
