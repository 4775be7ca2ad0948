"""What an import refuses as a whole. What is wrong with single rows is listed on the job instead."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, DomainError, InvalidInput


class UnknownResource(InvalidInput):
    code = "unknown_resource"
    message = _("There is no such kind of import. Use one of: {known}.")


class FileTooLarge(DomainError):
    code, status = "file_too_large", 413
    message = _("The file is larger than {most} MB.")


class EmptyFile(InvalidInput):
    code = "empty_file"
    message = _("The file is empty.")


class TooManyRows(InvalidInput):
    code = "too_many_rows"
    message = _("A file has at most {most} rows.")


class NotReady(Conflict):
    code = "import_not_ready"
    message = _("This import cannot be applied: it is {now}.")


class UnreadableFile(Exception):
    """The file as a whole cannot be read as a table; knows on which line and why by a stable code."""

    def __init__(self, line: int, column: str, code: str, message: object):
        super().__init__(str(message))
        self.line, self.column, self.code = line, column, code
