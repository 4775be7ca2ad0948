"""The demo: two organizers and a retail partner with staff, events and sales, for development only (P4)."""
