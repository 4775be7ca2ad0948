"""What each entry of the schedule does, for the operators who see and change it in the admin."""

from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Any] = {
    "activity.sweep": _("Delivers what waits in the outboxes: mail and whatever else follows from a change"),
    "activity.forget_old": _("Deletes what was delivered two weeks ago, and answers kept for repeated requests"),
    "orders.expire_overdue": _("Ends orders whose time to pay is over and gives their places back"),
    "orders.serve_waiting": _("Offers free places to whoever is next on a waiting list"),
    "payments.poll_due": _("Asks payment providers about open payments and refunds, in case their message was lost"),
    "payments.resume": _("Takes up mass refunds and statements whose worker died"),
    "events.finish_over": _("Marks events as over"),
    "ticketing.expire_over": _("Ends tickets of events that are over"),
    "imports.resume": _("Takes up imports whose worker died"),
    "accounts.send_unsent": _("Sends codes and links for accounts that did not leave at once"),
    "accounts.forget_old": _("Deletes ended sessions and used codes"),
    "accounts.forget_audit": _("Deletes the platform's trail when it is older than the platform keeps it"),
    "people.resume": _("Takes up copies and erasures of personal data whose worker died"),
    "people.forget_old": _("Deletes copies of personal data that nobody may fetch any more"),
    "tenants.finish_openings": _("Finishes openings of organizers that were broken off"),
    "reports.find_orphans": _("Looks for rows that point at people who are gone"),
    "reports.check_invariants": _("Checks in the database that money, places and tickets add up"),
    "reports.check_catalog": _("Checks that every organizer has all tables and none too many"),
    "tenants.look_around": _("Finds out which organizers have something to do, so that nobody else is visited"),
    "tenants.heartbeat": _("Shows that beat and the workers live"),
    "notifications.remind": _("Reminds ticket holders before an event and asks for reviews after it"),
    "notifications.watch_stock": _("Tells staff when tickets or goods run low"),
    "notifications.send_digests": _("Sends staff the daily summary"),
    "notifications.resume_messages": _("Takes up messages to ticket holders whose worker died"),
    "orders.retain": _("Removes personal data that an organizer does not keep any longer"),
    "billing.meter": _("Counts what organizers used, for billing"),
    "operators.measure": _("Reckons how every organizer does, for the operators' console"),
    "payments.reconcile": _("Compares every ledger with the provider's books"),
    "webhooks.sweep": _("Sends webhooks that wait or are to be tried again"),
    "webhooks.forget_old": _("Deletes the log of webhooks after 30 days"),
    "reports.catch_up": _("Brings the figures of reports up to date"),
    "reports.resume": _("Takes up large reports whose worker died"),
    "reports.forget_old": _("Deletes reports that were made for download long ago"),
    "reports.send_due": _("Mails reports that people ordered by schedule"),
    "reports.forget_log": _("Deletes what the logs of tenants kept for 90 days"),
}
