"""What stories about sign-in begin with: no limit used up, and a provider of identities."""

from types import SimpleNamespace

import pytest
import requests

from tests.accounts.social import CLIENT


@pytest.fixture(autouse=True)
def _no_limit_is_used_up():
    """Limits are counted in the shared cache."""
    from django.core.cache import caches

    caches["global"].clear()


@pytest.fixture(scope="module")
def server():
    """A provider as organizers have them. It takes every client; what it is told of people is `knows`."""
    from oidc_provider_mock import run_server_in_thread

    with run_server_in_thread(require_nonce=True) as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture
def provider(server, settings):
    app = {
        "provider_id": "mock",
        "name": "Mock ID",
        "client_id": CLIENT,
        "secret": "s",
        "settings": {"server_url": server},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}

    def knows(sub, **claims):
        requests.put(f"{server}/users/{sub}", json=claims, timeout=5).raise_for_status()

    return SimpleNamespace(url=server, knows=knows, app=app)
