"""Files that staff uploaded: events, venues and goods. A resource that has people in it must be spoken for here."""

from shared_apps.core.personal import harmless

harmless("imports.ImportJob", {"content", "errors", "counts", "mapping", "changes"}, "things on sale, no people")
harmless("imports.ImportJob", {"file_name"}, "what a file was called")
harmless("imports.ImportJob", {"started_by"}, "the id of a row that names nobody once it is erased")
