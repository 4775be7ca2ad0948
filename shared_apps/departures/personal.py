"""What this app holds about people, and why a column of the tenant's own row is nobody's."""

from shared_apps.core.personal import harmless

harmless("departures.Erasure", ["name", "reason"], "about the organizer, for the certificate that its owner asked for")
harmless("departures.Erasure", ["steps", "certificate"], "counts of what was removed, no content")
harmless("departures.Erasure", ["secret"], "opens the certificate, which names no person")
harmless("departures.DepartureLetter", ["to", "language"], "the address is emptied when the letter is sent")
harmless("departures.DepartureLetter", ["about"], "a date, or the id of an export or an erasure")
harmless("tenants.Tenant", ["suspensions"], "why a site does not serve: about the organizer")
