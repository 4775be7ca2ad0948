"""Refusals about what people like, keep and follow."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput, TooManyRequests


class TooManyFavourites(Conflict):
    code = "too_many_favourites"
    message = _("You have {most} favourites here, which is as many as fit. Remove some first.")


class TooManyFollows(Conflict):
    code = "too_many_follows"
    message = _("You follow {most} series here, which is as many as fit. Unfollow some first.")


class OneThing(InvalidInput):
    code = "one_thing"
    message = _("Name either an event or a product.")


class TooManyVotes(TooManyRequests):
    """Somebody presses hearts faster than people do, or many accounts do it from one place."""

    code = "too_many_votes"
    message = _("That was a lot at once. Please wait a little.")
