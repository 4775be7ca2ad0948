"""The only signal we define: apps add a new tenant's first rows."""

from django.dispatch import Signal

# Sent once in a tenant's life, inside its schema and the transaction that fills it; kwargs `tenant`, `owner`.
# A receiver writes in the tenant's schema only, and may be called again for a tenant whose opening was broken off
# before the commit.
tenant_provisioned = Signal()
