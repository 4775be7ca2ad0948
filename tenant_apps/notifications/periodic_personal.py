"""Of what goes out by the clock, nothing names anybody."""

from shared_apps.core.personal import harmless

harmless("notifications.Noted", {"name"}, "what was told: a quota, a kind of goods, the daily summary")
