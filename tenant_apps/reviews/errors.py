"""What reviews are refused for."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, Forbidden, InvalidInput


class NotOver(Conflict):
    code = "event_not_over"
    message = _("This event is not over yet. It can be reviewed afterwards.")


class EventCalledOff(Conflict):
    code = "event_cancelled"
    message = _("This event did not take place.")


class NotAttended(Forbidden):
    code = "not_attended"
    message = _("Only people who were at this event can review it.")


class AddressUnconfirmed(Forbidden):
    code = "email_not_verified"
    message = _("Confirm your email address first.")


class AlreadyReviewed(Conflict):
    code = "already_reviewed"
    message = _("You have reviewed this event already. You can change your review.")


class EditClosed(Conflict):
    code = "review_edit_closed"
    message = _("The time to change this review is over.")


class OwnReview(Conflict):
    code = "own_review"
    message = _("This is your own review. You can change it or take it back.")


class NotShown(Conflict):
    code = "review_not_shown"
    message = _("This review is not shown, so it cannot be answered.")


class ReasonRequired(InvalidInput):
    code = "reason_required"
    message = _("Say why the review is not to be shown.")
