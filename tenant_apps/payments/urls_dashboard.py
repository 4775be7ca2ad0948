"""What moves an order's money: taken in by hand, sent back with a cancellation."""

from django.urls import path

from tenant_apps.payments.views import accounts, dashboard, mass, statements

urlpatterns = [
    path("settings/payments/", accounts.overview, name="dashboard-payment-accounts"),
    path("settings/payments/<slug:name>/", accounts.connect, name="dashboard-payment-account"),
    path("settings/payments/<uuid:pk>/switch/", accounts.switch, name="dashboard-payment-account-switch"),
    path("money/events/<slug:slug>/", mass.refunds, name="dashboard-mass-refund"),
    path("money/events/<slug:slug>/<uuid:pk>/repeat/", mass.repeat, name="dashboard-mass-refund-repeat"),
    path("money/statements/", statements.overview, name="dashboard-statements"),
    path("money/statements/<uuid:pk>/", statements.statement, name="dashboard-statement"),
    path("money/statements/<uuid:pk>/columns/", statements.columns, name="dashboard-statement-columns"),
    path("money/statements/<uuid:pk>/book/", statements.book, name="dashboard-statement-book"),
    path("money/disputes/", statements.disputes, name="dashboard-disputes"),
    path("orders/<slug:code>/mark-paid/", dashboard.mark_paid, name="dashboard-order-mark-paid"),
    path("orders/<slug:code>/refund/", dashboard.refund, name="dashboard-order-refund"),
    path("orders/<slug:code>/cancel/", dashboard.cancel, name="dashboard-order-cancel"),
]
