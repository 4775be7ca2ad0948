"""What happened, in words for people."""

from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

register = template.Library()

WORDS: dict[str, Any] = {
    "access.refused": _("Access refused"),
    "outbox.parked": _("A message was given up"),
    "outbox.retried": _("Messages that were given up are tried again"),
    "operator.entered": _("An operator of the platform came in"),
    "operator.left": _("An operator of the platform left"),
    "plan.nearly_full": _("The plan is nearly used up"),
    "order.placed": _("Order placed"),
    "order.paid": _("Paid, tickets issued"),
    "order.expired": _("Time to pay ran out"),
    "order.cancelled": _("Order cancelled"),
    "order.lines_cancelled": _("Part of the order cancelled"),
    "order.contact_changed": _("Contact changed"),
    "order.attendee_changed": _("Attendee changed"),
    "order.note_written": _("Note written"),
    "order.note_deleted": _("Note deleted"),
    "order.claimed": _("Taken into the buyer's account"),
    "like.added": _("Liked something"),
    "like.removed": _("Took a like back"),
    "favourite.added": _("Kept as a favourite"),
    "favourite.removed": _("No longer a favourite"),
    "follow.added": _("Began to follow"),
    "follow.removed": _("Follows no longer"),
    "address.saved": _("Address saved"),
    "address.changed": _("Address changed"),
    "address.deleted": _("Address deleted"),
    "order.resend": _("Mail sent again"),
    "order.invoice_issued": _("Invoice issued"),
    "order.credit_note_issued": _("Credit note issued"),
    "order.packed": _("Goods packed"),
    "order.shipped": _("Goods shipped"),
    "order.delivered": _("Goods delivered"),
    "order.returned": _("Goods came back"),
    "payment.succeeded": _("Payment came in"),
    "payment.failed": _("Payment declined"),
    "payment.requires_action": _("Payment started"),
    "payment.cancelled": _("Payment cancelled"),
    "message.started": _("Message to an event's people begun"),
    "message.finished": _("Message to an event's people sent"),
    "message.stopped": _("Message to an event's people stopped"),
    "message.to_person": _("Message to one person"),
    "sms.account_changed": _("Account for text messages changed"),
    "sms.account_removed": _("Account for text messages removed"),
    "sms.account_fails": _("Text messages cannot be sent"),
    "refund.requested": _("Refund started"),
    "refund.succeeded": _("Refund done"),
    "refund.failed": _("Refund failed"),
    "dispute.opened": _("Payment disputed"),
    "dispute.changed": _("Dispute moved on"),
    "mass_refund.started": _("Everybody's money is sent back"),
    "mass_refund.repeated": _("Failed refunds tried again"),
    "mass_refund.finished": _("Everybody's money was sent back"),
    "statement.uploaded": _("Bank statement brought in"),
    "statement.read": _("Bank statement read"),
    "statement.accepted": _("Bank statement booked"),
    "api_key.refused": _("A revoked or expired API key was used"),
    "api_key.made": _("API key made"),
    "api_key.revoked": _("API key revoked"),
    "order.refunded": _("Money went back"),
    "payment.started": _("Another try to pay"),
    "grant.given": _("Right on an event given"),
    "grant.revoked": _("Right on an event taken back"),
    "wording.changed": _("Words of a message changed"),
    "wording.reset": _("Words of a message put back"),
    "mail_sender.changed": _("Sender of mail changed"),
    "mail_sender.removed": _("Sender of mail put back"),
    "event.created": _("Event made"),
    "event.updated": _("Event changed"),
    "event.published": _("Event published"),
    "event.postponed": _("Event postponed"),
    "event.cancelled": _("Event cancelled"),
    "event.archived": _("Event archived"),
    "event.finished": _("Event is over"),
    "event.duplicated": _("Event copied"),
    "sample_content.added": _("Examples were added"),
    "sample_content.removed": _("Examples were removed"),
    "event.deleted": _("Event deleted"),
    "review.written": _("Review written"),
    "review.changed": _("Review changed"),
    "review.withdrawn": _("Review taken back"),
    "review.reported": _("Review reported"),
    "review.approved": _("Review shown"),
    "review.rejected": _("Review not shown"),
    "review.answered": _("Review answered"),
    "review.answer_changed": _("Answer to a review changed"),
    "category.created": _("Category made"),
    "category.updated": _("Category changed"),
    "category.deleted": _("Category deleted"),
    "tag.created": _("Tag made"),
    "tag.updated": _("Tag changed"),
    "tag.deleted": _("Tag deleted"),
    "venue.created": _("Venue made"),
    "venue.updated": _("Venue changed"),
    "venue.deleted": _("Venue deleted"),
    "ticket_type.created": _("Ticket type made"),
    "ticket_type.updated": _("Ticket type changed"),
    "ticket_type.deleted": _("Ticket type deleted"),
    "quota.created": _("Quota made"),
    "quota.updated": _("Quota changed"),
    "quota.deleted": _("Quota deleted"),
    "check_in_list.created": _("Check-in list made"),
    "check_in_list.updated": _("Check-in list changed"),
    "check_in_list.deleted": _("Check-in list deleted"),
    "check_in.undone": _("Admission taken back"),
    "check_in.by_hand": _("Checked in by hand"),
    "check_in_zone.created": _("Zone made"),
    "check_in_zone.updated": _("Zone changed"),
    "check_in_zone.deleted": _("Zone deleted"),
    "check_in_zone.emptied": _("Everybody counted as gone"),
    "ticket.transferred": _("Passed on to somebody else"),
    "ticket.received": _("Ticket of the new holder made"),
    "ticket.renamed": _("Name on the ticket changed"),
    "ticket.reissued": _("New code given"),
    "ticket.resent": _("Ticket mailed again"),
    "ticket.revoked": _("Ticket withdrawn"),
    "ticket.reinstated": _("Ticket made good again"),
    "order.ticket_passed_on": _("A ticket was passed on"),
    "event.tickets_expired": _("Unused tickets expired"),
    "event_key.rotated": _("New key for ticket codes"),
    "event_key.revoked": _("Key of ticket codes disowned"),
    "staff.added": _("Joined the staff"),
    "staff.role_changed": _("Role of a member changed"),
    "staff.removed": _("Removed from the staff"),
    "staff.handed_over": _("Ownership handed over"),
    "site.export_asked": _("Archive of everything asked for"),
    "site.export_taken": _("Archive of everything downloaded"),
    "site.paused": _("Site paused"),
    "site.resumed": _("Pause of the site ended"),
    "site.closing": _("Closing of the site begun"),
    "site.kept": _("Closing of the site taken back"),
    "staff.owners_changed": _("Owners changed"),
    "staff.invited": _("Invitation sent"),
    "staff.uninvited": _("Invitation taken back"),
    "staff.accepted": _("Invitation accepted"),
    "report_schedule.created": _("Report by mail planned"),
    "report_schedule.changed": _("Report by mail changed"),
    "report_schedule.deleted": _("Report by mail given up"),
    "role.made": _("Role made"),
    "role.changed": _("Role changed"),
    "role.deleted": _("Role deleted"),
    "settings.changed": _("Settings changed"),
    "legal_text.published": _("Legal text published"),
    "legal_text.withdrawn": _("Legal text withdrawn"),
    "consent.withdrawn": _("Consent taken back"),
    "site.renamed": _("Address of the site changed"),
    "domain.added": _("Domain added"),
    "domain.checked": _("DNS asked about a domain"),
    "domain.proved": _("Domain proved"),
    "domain.failing": _("Proof of a domain is missing"),
    "domain.lost": _("Domain dropped: its proof ended"),
    "domain.primary": _("Main address changed"),
    "domain.removed": _("Domain removed"),
    "import.uploaded": _("File uploaded"),
    "import.started": _("Import started"),
    "import.accepted": _("Import accepted"),
    "import.applied": _("Import applied"),
    "product_category.created": _("Category of goods made"),
    "product_category.updated": _("Category of goods changed"),
    "product_category.deleted": _("Category of goods deleted"),
    "discount.created": _("Discount made"),
    "discount.updated": _("Discount changed"),
    "discount.deleted": _("Discount deleted"),
    "voucher.created": _("Voucher made"),
    "voucher.bulk_created": _("Many vouchers made"),
    "voucher.updated": _("Voucher changed"),
    "voucher.deleted": _("Voucher deleted"),
    "voucher.places_released": _("Places kept by a voucher freed"),
    "delivery_method.created": _("Way of delivery made"),
    "delivery_method.updated": _("Way of delivery changed"),
    "delivery_method.deleted": _("Way of delivery deleted"),
    "product.created": _("Product made"),
    "product.updated": _("Product changed"),
    "product.deleted": _("Product deleted"),
    "product_variant.created": _("Variant made"),
    "product_variant.updated": _("Variant changed"),
    "product_variant.deleted": _("Variant deleted"),
}


@register.simple_tag
def topic(name: str) -> Any:
    """{% topic entry.topic %}: a topic without words of its own is shown as it is."""
    return WORDS.get(name, name)


@register.filter
def changes(details: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return what was otherwise before: the field, and its two values; None for what was not or is no more."""
    before, after = (details.get(name) for name in ("before", "after"))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    names = sorted({*before, *after})
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


@register.filter
def besides(details: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the other details, as text that a person reads."""
    if not {"before", "after"} <= details.keys():
        return [(name, _read(value)) for name, value in details.items()]
    hidden = {"before", "after", "fields", "from", "to"}
    told = {*(details["before"] or {}), *(details["after"] or {})}
    return [(name, _read(value)) for name, value in details.items() if name not in hidden | told]


@register.filter
def read(value: Any) -> str:
    """A value of the details as text; a dash for nothing."""
    return _read(value)


def _read(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, list):
        return ", ".join(_read(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_read(each)}" for name, each in value.items())
    return str(value)
