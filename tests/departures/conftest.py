"""Files of each test's own, and a tenant of its own that can be taken apart."""

from typing import Any

import pytest
from django.core.cache import caches

from tests.factories import make_event, make_paid_order, make_ticket_type, make_user


@pytest.fixture(autouse=True)
def _files_and_limits_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    caches["global"].clear()


@pytest.fixture
def grace(transactional_db: None) -> Any:
    """Who owns the site `doomed`."""
    return make_user("grace@doomed.test", name="Grace Hopper", language="en")


@pytest.fixture
def doomed(grace: Any) -> Any:
    """A site with an order, a picture and an address of its own."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from tenants.context import in_tenant
    from tenants.models import ConnectedAccount, Domain
    from tenants.provisioning import open_tenant

    tenant = open_tenant(name="Doomed Hall", slug="doomed", owner=grace, tagline="Soon gone")
    with in_tenant(tenant):
        make_paid_order(make_ticket_type(make_event("=Last Night"), price_minor=1500), email="buyer@doomed.test")
    Domain.objects.create(domain="tickets.doomed.test", tenant=tenant, is_primary=False)
    ConnectedAccount.objects.create(tenant=tenant, provider="stripe", account="acct_doomed")
    default_storage.save(f"{tenant.schema_name}/events/picture-320.webp", ContentFile(b"picture"))
    default_storage.save(f"{tenant.schema_name}/logos/logo.webp", ContentFile(b"logo"))
    return tenant
