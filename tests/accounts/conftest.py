"""Limits are counted in the shared cache: each story starts with none used up."""

import pytest


@pytest.fixture(autouse=True)
def _no_limit_is_used_up():
    from django.core.cache import caches

    caches["global"].clear()
