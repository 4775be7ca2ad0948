"""What a tenant may set, and what holds when it did not."""

from typing import Any

import pytest

from shared_apps.core.errors import InvalidInput
from tenants.models import Tenant
from tenants.preferences import PREFERENCES, all_preferences, checked, preference


def test_what_nobody_set_has_a_default_that_could_be_set() -> None:
    tenant = Tenant(slug="x")
    assert preference(tenant, "hold_minutes") == 15
    assert preference(tenant, "max_tickets_per_order") == 20
    assert preference(tenant, "open_orders_per_buyer") == 3
    assert preference(tenant, "guest_checkout") is True
    assert set(all_preferences(tenant)) == set(PREFERENCES)
    assert checked(all_preferences(tenant)) == all_preferences(tenant)


def test_the_test_provider_is_there_in_development_only(settings: Any) -> None:
    tenant = Tenant(slug="x")
    settings.DEVELOPMENT = True
    assert preference(tenant, "payment_providers") == ["manual", "test"]
    settings.DEVELOPMENT = False
    assert preference(tenant, "payment_providers") == ["manual"]
    with pytest.raises(InvalidInput):
        checked({"payment_providers": ["test"]})


def test_a_default_that_somebody_changes_in_place_stays_the_default() -> None:
    preference(Tenant(slug="x"), "reminder_offsets_minutes").append(5)
    assert preference(Tenant(slug="y"), "reminder_offsets_minutes") == [1440, 60]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hold_minutes", 0), ("hold_minutes", True), ("hold_minutes", "15"), ("hold_minutes", 1441),
        ("hold_minutes", None),
        ("guest_checkout", 1), ("payment_providers", ["manual", "manual"]), ("payment_providers", "manual"),
        ("payment_providers", ["bank robbery"]), ("payment_providers", [[]]), ("event_edit_policy", "never"),
        ("reminder_offsets_minutes", [60, 60]), ("reminder_offsets_minutes", [1]), ("reminder_offsets_minutes", [[60]]),
        ("reminder_offsets_minutes", [10, 20, 30, 40, 50, 60]), ("no_such_setting", 1),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked({"hold_minutes": 20, name: value})
    assert [error.field for error in refusal.value.errors] == [f"preferences.{name}"]


def test_a_name_that_is_no_setting_is_an_error() -> None:
    with pytest.raises(KeyError):
        preference(Tenant(slug="x"), "no_such_setting")
