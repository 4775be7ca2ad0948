"""What moves an order's money: taken in by hand, sent back with a cancellation."""

from django.urls import path

from tenant_apps.payments.views import accounts, box_office, dashboard, lines, mass, statements

urlpatterns = [
    path("settings/payments/", accounts.overview, name="dashboard-payment-accounts"),
    path("settings/payments/<slug:name>/", accounts.connect, name="dashboard-payment-account"),
    path("settings/payments/<uuid:pk>/switch/", accounts.switch, name="dashboard-payment-account-switch"),
    path("box-office/", box_office.events, name="box-office-events"),
    path("box-office/<slug:slug>/", box_office.till, name="box-office"),
    path("box-office/<slug:slug>/total/", box_office.total, name="box-office-total"),
    path("box-office/<slug:slug>/receipts/<slug:code>/", box_office.receipt, name="box-office-receipt"),
    path("orders/<slug:code>/lines/<uuid:pk>/", lines.line, name="dashboard-order-line"),
    path("orders/<slug:code>/lines/<uuid:pk>/cancel/", lines.cancel, name="dashboard-order-line-cancel"),
    path("orders/<slug:code>/notes/", lines.write_note, name="dashboard-order-note"),
    path("orders/<slug:code>/notes/<int:pk>/delete/", lines.delete_note, name="dashboard-order-note-delete"),
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
