"""Every endpoint of the API, on one page. Each app's file has `public_urls`, `tenant_urls` or both."""

from api.v1.accounts import urls as accounts
from api.v1.aliases import last_tenant_aliases, public_aliases, tenant_aliases
from api.v1.audit import urls as audit
from api.v1.background import urls as background
from api.v1.billing import urls as billing
from api.v1.cart import urls as cart
from api.v1.catalog import urls as catalog
from api.v1.consents import urls as consents
from api.v1.customers import urls as customers
from api.v1.departures import urls as departures
from api.v1.events import urls as events
from api.v1.imports import urls as imports
from api.v1.notifications import urls as notifications
from api.v1.notifications import urls_messages as messages
from api.v1.onboarding import urls as onboarding
from api.v1.operators import urls as operators
from api.v1.orders import urls as orders
from api.v1.payments import urls as payments
from api.v1.people import urls as people
from api.v1.promotions import urls as promotions
from api.v1.reports import urls as reports
from api.v1.reviews import urls as reviews
from api.v1.settings import urls as settings
from api.v1.signup import urls as signup
from api.v1.staff import urls as staff
from api.v1.tenants import urls as tenants
from api.v1.ticketing import urls as ticketing
from api.v1.webhooks import urls as webhooks

# The platform's host.
public_urls = [
    *accounts.public_urls,
    *people.public_urls,
    *signup.public_urls,
    *departures.public_urls,
    *tenants.public_urls,
    *billing.public_urls,
    *operators.public_urls,
    *public_aliases,
]
# A tenant's host. What older clients call under `events/` comes first: "my_upcoming_events" is no event's slug.
tenant_urls = [
    *tenant_aliases,
    # Patterns are tried in turn, and nothing is asked more often in a rush.
    *orders.tenant_urls,
    *accounts.tenant_urls,
    *people.tenant_urls,
    *staff.tenant_urls,
    *events.tenant_urls,
    *ticketing.tenant_urls,
    *catalog.tenant_urls,
    *promotions.tenant_urls,
    *cart.tenant_urls,
    *payments.tenant_urls,
    *imports.tenant_urls,
    *messages.tenant_urls,
    *reports.tenant_urls,
    *webhooks.tenant_urls,
    *settings.tenant_urls,
    *onboarding.tenant_urls,
    *consents.tenant_urls,
    *customers.tenant_urls,
    *billing.tenant_urls,
    *audit.tenant_urls,
    *notifications.tenant_urls,
    *background.tenant_urls,
    *operators.tenant_urls,
    *reviews.tenant_urls,
    *last_tenant_aliases,
]
