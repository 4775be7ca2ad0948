"""The twins, made once for each worker, and limits that a crawl does not run into."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from tests.conftest import real_commits


@pytest.fixture(scope="module")
def twins(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Any]:
    from django.core.cache import caches
    from django.test import override_settings

    from shared_apps.accounts import limits as of_accounts
    from shared_apps.accounts import trail
    from shared_apps.accounts.tokens import AccessToken
    from shared_apps.core import limits
    from tests.isolation.twins import build

    # They count as always; nobody is refused for having asked a thousand things.
    counted = limits.hit
    unlimited = [
        patch.object(module, "hit", lambda key, limit, seconds: counted(key, 10**9, seconds))
        for module in (limits, of_accounts, trail)
    ]
    lasting = patch.object(AccessToken, "lifetime", timedelta(days=1))
    own = override_settings(
        MEDIA_ROOT=tmp_path_factory.mktemp("media"), API_RATE_PER_MINUTE=10**7, LIVE_STREAM_SECONDS=0.01
    )
    with real_commits(django_db_blocker), own, lasting, unlimited[0], unlimited[1], unlimited[2]:
        caches["global"].clear()
        yield build()
        caches["global"].clear()
