"""The refusals about leaving."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput, NotFound, TooManyRequests


class ExportNotReady(NotFound):
    code = "export_not_ready"
    message = _("There is no such archive, or it is not ready, or no longer here.")


class TooManyExports(TooManyRequests):
    code = "too_many_exports"
    message = _("You took {most} archives within a day. Please wait until tomorrow.")


class NotThisOne(InvalidInput):
    code = "confirm_address"
    message = _("Type the address of your site exactly: {slug}.")


class NotClosed(Conflict):
    code = "not_closed"
    message = _("Only a tenant that is closed, or whose days of grace are over, can be erased.")
