"""What this app holds about people."""

from shared_apps.core.personal import harmless
from shared_apps.departures.models import DepartureLetter
from tenants.models import Tenant  # noqa: F401  (the tenant is what this is about)

harmless("departures.Erasure", ["name"], "the organizer's name, for the certificate that its owner asked for")
harmless("departures.Erasure", ["steps", "certificate"], "counts of what was removed, no content")
harmless(DepartureLetter._meta.label, ["to"], "emptied when the letter is sent, at most days later")
