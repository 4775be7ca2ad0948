"""HTTP to providers whose kit is no more than a description."""

from typing import Any

import requests

from tenant_apps.payments.providers.base import ProviderFailed

TIMEOUT_SECONDS = 10
MOST_BYTES = 1_000_000


def call(method: str, address: str, **options: Any) -> requests.Response:
    """Call a provider. Raises ProviderFailed if it does not answer, answers 5xx or 429, or sends far too much."""
    try:
        response = requests.request(
            method, address, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True, **options
        )
        content = response.raw.read(MOST_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise ProviderFailed(type(error).__name__) from None
    if len(content) > MOST_BYTES or response.status_code >= 500 or response.status_code == 429:
        raise ProviderFailed(f"status {response.status_code}")
    response._content = content
    return response
