"""Files that staff uploaded. Those with people in them are kept until they are applied; then orders hold who came.

An erasure empties all files of people that are not being worked on: nobody can tell which rows are whose.
"""

from shared_apps.core.personal import Person, harmless, hold
from tenant_apps.imports.models import ImportJob

OF_PEOPLE = frozenset({"orders", "attendees"})


def _end_files(person: Person) -> int:
    waiting = ImportJob.objects.filter(resource__in=OF_PEOPLE).exclude(content=b"", samples=[], errors=[])
    return waiting.exclude(status__in=["validating", "applying"]).update(
        content=b"", samples=[], errors=[], errors_file=None, changes=[]
    )


hold("import_files", "imports.ImportJob", {"content", "samples", "errors", "errors_file", "changes"}, erase=_end_files)
harmless("imports.ImportJob", {"counts", "mapping", "header", "key"}, "numbers and names of columns")
harmless("imports.ImportMapping", {"mapping", "header", "key"}, "names of columns")
harmless("imports.ImportJob", {"file_name"}, "what a file was called")
harmless("imports.ImportJob", {"started_by"}, "the id of a row that names nobody once it is erased")
