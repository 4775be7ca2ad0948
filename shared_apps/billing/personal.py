"""What billing holds about people (P3): nothing but about organizers and money."""

from shared_apps.core.personal import harmless

harmless("billing.Plan", {"name", "limits"}, "what the platform sells")
harmless("tenants.Tenant", {"limits"}, "what a plan allows")
harmless("billing.PlatformInvoice", {"lines", "reason"}, "what an organizer was charged for, which the law has us keep")
harmless(
    "billing.BillingLetter",
    {"about", "facts"},
    "numbers, plans and dates of a subscription; the letter's address is not kept",
)
