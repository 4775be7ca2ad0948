"""What a tenant decides about its site, by page and by API [manage_settings]."""

import pytest

from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_user, owner_of


def member(tenant, preset):
    from tenant_apps.staff.models import Membership, Role

    user = make_user()
    with in_tenant(tenant):
        Membership.objects.create(user_id=user.pk, role=Role.objects.get(preset=preset))
    return user


def test_settings_are_read_and_changed(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    shown = client.get("/api/v1/settings/").json()
    assert shown["hold_minutes"] == 15 and shown["event_edit_policy"] == "always" and shown["name"] == "Alpha"
    assert {"cors_origins", "payment_providers", "guest_checkout", "reminder_offsets_minutes", "logo", "colour"} <= set(
        shown
    )
    changes = {"hold_minutes": 30, "event_edit_policy": "one_hour_after_creation", "colour": "#aa0000",
               "tagline": "Loud",
               "cors_origins": ["https://shop.example.org"], "name": "  Alpha   Hall "}  # fmt: skip
    answer = client.patch("/api/v1/settings/", changes)
    assert answer.status_code == 200, answer.content
    kept = Tenant.objects.get(pk=alpha.pk)
    assert (kept.name, kept.tagline, kept.colour) == ("Alpha Hall", "Loud", "#aa0000")
    assert client.get("/api/v1/settings/").json()["hold_minutes"] == 30, "at once, in the cache too"
    assert client.patch("/api/v1/settings/", {"hold_minutes": 20}).json()["cors_origins"] == [
        "https://shop.example.org"
    ]


def test_each_change_is_in_the_audit_trail_with_before_and_after(alpha, client_for):
    from tenant_apps.activity.models import AuditEntry

    owner = owner_of(alpha)
    client_for(alpha, owner).patch("/api/v1/settings/", {"hold_minutes": 30})
    client_for(alpha, owner).patch("/api/v1/settings/", {"hold_minutes": 30})
    with in_tenant(alpha):
        entry = AuditEntry.objects.get(topic="settings.changed")
        assert entry.details == {"before": {"hold_minutes": 15}, "after": {"hold_minutes": 30}}
        assert entry.actor_id == owner.pk and entry.request_id


@pytest.mark.parametrize(
    ("field", "value"),
    [("hold_minutes", 0), ("event_edit_policy", "one_hour"), ("colour", "red"), ("language", "xx"),
     ("timezone", "Mars"),
     ("name", ""), ("name", "x" * 121), ("cors_origins", ["*"]), ("guest_checkout", "yes"),
     ("payment_providers", ["gold"]),
     ("tagline", "x" * 201)],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_changed(alpha, client_for, field, value):
    answer = client_for(alpha, owner_of(alpha)).patch("/api/v1/settings/", {"max_tickets_per_order": 7, field: value})
    assert answer.status_code == 400 and [error["field"] for error in answer.json()["errors"]] == [field]
    assert Tenant.objects.get(pk=alpha.pk).preferences == alpha.preferences


@pytest.mark.parametrize("value", [5, True, None, ["a"], {"a": 1}])
@pytest.mark.parametrize("field", ["name", "tagline", "colour", "language", "timezone"])
def test_what_is_no_text_is_refused(alpha, client_for, field, value):
    answer = client_for(alpha, owner_of(alpha)).patch("/api/v1/settings/", {field: value})
    assert answer.status_code == 400, answer.content


def test_what_is_no_setting_is_not_applied(alpha, client_for):
    body = {"slug": "other", "owner": 1, "status": "closed", "currency": "USD", "schema_name": "public", "nonsense": 1}
    assert client_for(alpha, owner_of(alpha)).patch("/api/v1/settings/", body).status_code == 200
    kept = Tenant.objects.get(pk=alpha.pk)
    assert (kept.slug, kept.currency, kept.status, kept.owner_id) == ("alpha", "EUR", "open", alpha.owner_id)


@pytest.mark.parametrize("preset", ["manager", "event_manager", "box_office", "door", "accountant", "read_only"])
def test_only_who_manages_settings_gets_in(alpha, client_for, page_for, preset):
    from tenant_apps.staff.presets import PRESETS

    may = "manage_settings" in PRESETS[preset].permissions
    user = member(alpha, preset)
    assert client_for(alpha, user).get("/api/v1/settings/").status_code == (200 if may else 403)
    assert page_for(alpha, user).get("/dashboard/settings/").status_code == (200 if may else 403)
    assert ('href="/dashboard/settings/"' in page_for(alpha, user).get("/dashboard/").content.decode()) is may


def test_strangers_and_other_tenants_staff_do_not(alpha, beta, client_for):
    assert client_for(alpha).patch("/api/v1/settings/", {}).status_code == 401
    assert client_for(alpha, owner_of(beta)).get("/api/v1/settings/").status_code == 403


def form(**changes):
    return {
        "name": "Alpha", "tagline": "Quiet", "colour": "#123456", "language": "ru", "timezone": "Europe/Vienna",
        "hold_minutes": "25", "max_tickets_per_order": "6", "open_orders_per_buyer": "2", "guest_checkout": "on",
        "payment_providers": "manual\ntest", "event_edit_policy": "until_first_sale",
        "reminder_offsets_minutes": "60\n1440", "tax_rate": "7.5",
        "service_fee_name": "Booking fee", "service_fee_fixed": "0.50", "service_fee_percent": "2",
        "service_fee_per": "order", "service_fee_paid_by": "buyer", "platform_fee_paid_by": "organizer",
        "ticket_mail": "linked",
        "waiting_list_hours": "24", "waiting_list_group_hours": "12", "bank_transfer_hold_days": "5",
        "invoices": "on_request", "invoice_start": "7", "seller_address": "1010\nWien",
        "review_request_hours": "24", "reviews_by": "auto", "review_moderation": "rules", "review_edit_days": "14",
        "review_words": "spam\nfree money", "low_places_percent": "10", "low_stock_level": "5", "digest_hour": "8",
        "backup_hour": "3", "backups_kept": "7",
        "retention_guests_months": "0", "retention_addresses_months": "0",
        "cors_origins": "https://shop.example.org\n", **changes,
    }  # fmt: skip


def test_the_page_saves_everything_and_shows_it_again(alpha, page_for):
    client = page_for(alpha, owner_of(alpha))
    answer = client.post("/dashboard/settings/", form(), follow=True)
    assert answer.status_code == 200, answer.content.decode()
    kept = Tenant.objects.get(pk=alpha.pk)
    assert kept.preferences["reminder_offsets_minutes"] == [60, 1440] and kept.preferences["hold_minutes"] == 25
    assert kept.preferences["cors_origins"] == ["https://shop.example.org"] and kept.language == "ru"
    assert kept.preferences["seller_address"] == ["1010", "Wien"] and kept.preferences["invoice_start"] == 7
    html = client.get("/dashboard/settings/?lang=en").content.decode()
    assert "60\n1440" in html and 'value="25"' in html and "Quiet" in html


def test_the_page_keeps_what_was_typed_and_says_what_is_wrong(alpha, page_for):
    answer = page_for(alpha, owner_of(alpha)).post("/dashboard/settings/", form(hold_minutes="0", cors_origins="*"))
    assert answer.status_code == 400
    errors = answer.context["form"].errors
    assert {"hold_minutes", "cors_origins"} <= set(errors)
    assert Tenant.objects.get(pk=alpha.pk).preferences == alpha.preferences
