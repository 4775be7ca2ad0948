"""People who bought at two tenants, and a worker's hands to do what was asked for."""

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _no_limit_is_used_up():
    caches["global"].clear()


@pytest.fixture(autouse=True)
def _files_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def deliver():
    """`deliver(alpha, beta)`: what their outboxes hold is delivered, as the worker does."""
    from tenant_apps.activity.delivery import deliver_due
    from tenants.context import in_tenant

    def run(*tenants):
        for tenant in tenants:
            with in_tenant(tenant):
                deliver_due()

    return run
