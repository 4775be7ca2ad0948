"""A valid request for every route: what its address names, and in bodies.py and related.py what it sends. A route
without one fails by name.

Addresses of the API are written without /api/v1. `{}` means that nothing is sent.

For a new route:
- PARAMETERS: a row for each `<…:name>` of the address: (how addresses begin, the name, a maker from a Place). The first
  that fits counts, so the longer beginning stands above the shorter.
- BODIES in bodies.py: `"METHOD /path/<…>/": maker`, for anything but GET; `fixed(…)` where nothing in it depends on
  the place.
- RELATED in related.py: a row for each field that holds the id, slug or code of something else, by the field's last
  name. It must differ from place to place, tenants above all, or be None. Names like models' are found by
  test_every_field_that_names_a_thing_has_a_sample_of_it; NAMES_NOTHING takes those that only sound so, with the reason.
- ALONGSIDE where that field asks for others, QUERIES for a query that names something, NO_GOOD_END for a request that
  succeeds for nobody here, with where it is tested instead.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.permissions.world import Place

Maker = Callable[[Place], Any]
NEW = "another-long-pass-word"
AT = "2031-05-01T20:00"


class NoSample(Exception):
    """Somebody has to add one to this file."""


def named(what: str) -> Maker:
    return lambda place: getattr(place, what)


def key_of(what: str, attribute: str = "pk") -> Maker:
    return lambda place: getattr(getattr(place, what, None), attribute, None)


# By the beginning of the address and the name of the parameter; the first that fits.
PARAMETERS: list[tuple[str, str, Maker]] = [
    ("/message-templates/", "topic", lambda place: "order.placed"),
    ("/message-templates/", "language", lambda place: "en"),
    ("/operators/tenants/", "slug", key_of("tenant", "slug")),
    ("/operator/tenants/", "slug", key_of("tenant", "slug")),
    ("/operators/visits/", "pk", key_of("operator_visit")),
    ("/operators/profile-reports/", "pk", key_of("profile_report")),
    ("/operators/hidden-profiles/", "pk", key_of("unseen")),
    ("/operator/reports/", "pk", key_of("profile_report")),
    ("/operator/hidden-profiles/", "pk", key_of("unseen")),
    ("/people/", "pk", key_of("known")),
    ("/profile/", "pk", key_of("known")),
    ("/operator/visits/", "pk", key_of("operator_visit")),
    ("/operator-visits/", "pk", key_of("operator_visit")),
    ("/dashboard/operators/", "pk", key_of("operator_visit")),
    ("/dashboard/settings/messages/", "topic", lambda place: "order.placed"),
    ("/dashboard/settings/messages/", "language", lambda place: "en"),
    ("/notifications/<uuid:pk>/read/", "pk", key_of("notice")),
    ("/account/notices/", "pk", key_of("notice")),
    ("/unsubscribe/", "token", lambda place: "nothing"),
    ("/sitemap-", "name", lambda place: "pages"),
    ("/sitemap-", "page", lambda place: 1),
    ("/me/exports/", "pk", lambda place: uuid4()),
    ("/account/data/exports/", "pk", lambda place: uuid4()),
    ("/account/avatars/", "file", lambda place: "nothing.webp"),
    ("/me/erasure/", "secret", lambda place: "nothing"),
    ("/account/erasure/", "secret", lambda place: "nothing"),
    ("/reviews/<uuid:pk>/", "pk", key_of("review")),
    ("/dashboard/reviews/", "pk", key_of("review")),
    ("/events/<str:event>/waiting-list/", "pk", key_of("waiting")),
    ("/dashboard/events/<slug:slug>/waiting-list/", "pk", key_of("waiting")),
    ("/waiting-list/<str:token>/order/", "token", key_of("offered", "secret")),
    ("/waiting-list/", "token", key_of("waiting", "secret")),
    ("/waiting-list/", "secret", key_of("waiting", "secret")),
    ("/events/<str:event>/ticket-types/", "pk", key_of("spare")),
    ("/events/<str:event>/quotas/", "pk", key_of("quota")),
    ("/events/<str:event>/program/", "pk", key_of("program_item")),
    ("/events/<str:event>/bring/", "pk", key_of("bring_item")),
    ("/events/<str:event>/questions/", "pk", key_of("question")),
    ("/series/", "slug", lambda place: f"series-{place.tenant.slug}"),
    ("/dashboard/events/<slug:slug>/program/", "pk", key_of("program_item")),
    ("/dashboard/events/<slug:slug>/bring/", "pk", key_of("bring_item")),
    ("/dashboard/events/<slug:slug>/questions/", "pk", key_of("question")),
    ("/dashboard/categories/", "slug", lambda place: f"kind-{place.tenant.slug}"),
    ("/dashboard/tags/", "slug", lambda place: f"tag-{place.tenant.slug}"),
    ("/dashboard/venues/", "slug", lambda place: f"hall-{place.tenant.slug}"),
    ("/dashboard/series/", "slug", lambda place: f"series-{place.tenant.slug}"),
    ("/events/<str:event>/check-in-lists/", "pk", key_of("list")),
    ("/events/<str:event>/check-in-zones/", "pk", key_of("check_in_zone")),
    ("/dashboard/events/<slug:slug>/check-in/", "pk", key_of("list")),
    ("/dashboard/events/<slug:slug>/check-in-zones/", "pk", key_of("check_in_zone")),
    ("/events/<str:event>/grants/", "pk", key_of("granted")),
    ("/check-in-lists/", "pk", key_of("list")),
    ("/check-in-lists/", "scan_id", named("scan_id")),
    ("/categories/<str:slug>/grants/", "pk", key_of("goods_granted")),
    ("/categories/<str:slug>/grants/", "slug", key_of("goods", "slug")),
    ("/product-categories/<str:slug>/grants/", "pk", key_of("goods_granted")),
    ("/product-categories/<str:slug>/grants/", "slug", key_of("goods", "slug")),
    ("/product-categories/<str:slug>/accepting-orders/", "slug", key_of("goods", "slug")),
    ("/dashboard/product-categories/<slug:slug>/orders/", "slug", key_of("goods", "slug")),
    ("/product-categories/", "slug", key_of("empty_category", "slug")),
    ("/dashboard/product-categories/", "slug", key_of("empty_category", "slug")),
    ("/products/<str:slug>/variants/", "pk", key_of("variant")),
    ("/products/<str:slug>/images/", "pk", key_of("image")),
    ("/events/<str:event>/media/", "pk", key_of("media")),
    ("/media/products/", "file", named("image_file")),
    ("/media/events/", "file", named("media_file")),
    ("/media/logo/", "file", lambda place: "nothing.webp"),
    ("/dashboard/delivery-methods/", "pk", key_of("method")),
    ("/dashboard/discounts/", "pk", key_of("discount")),
    ("/dashboard/vouchers/", "code", key_of("voucher", "code")),
    ("/products/", "slug", key_of("product", "slug")),
    ("/dashboard/products/", "slug", key_of("product", "slug")),
    ("/dashboard/variants/", "pk", key_of("variant")),
    ("/dashboard/imports/", "pk", key_of("price_list")),
    ("/delivery-methods/", "pk", key_of("method")),
    ("/discounts/", "pk", key_of("discount")),
    ("/vouchers/", "code", key_of("voucher", "code")),
    ("/staff/invitations/", "pk", key_of("invitation")),
    ("/dashboard/staff/invitations/", "pk", key_of("invitation")),
    ("/dashboard/staff/invitations/", "move", lambda place: "revoke"),
    ("/dashboard/staff/", "pk", key_of("member")),
    ("/dashboard/roles/", "pk", key_of("own_role")),
    ("/dashboard/api-keys/", "pk", key_of("key")),
    ("/dashboard/webhooks/", "delivery", key_of("webhook_delivery")),
    ("/dashboard/webhooks/", "pk", key_of("webhook")),
    ("/webhooks/", "delivery", key_of("webhook_delivery")),
    ("/webhooks/", "pk", key_of("webhook")),
    ("/dashboard/events/<slug:slug>/people/", "pk", key_of("granted")),
    ("/dashboard/events/<slug:slug>/tickets/", "pk", key_of("spare")),
    ("/dashboard/events/<slug:slug>/quotas/", "pk", key_of("quota")),
    ("/api-keys/", "pk", key_of("key")),
    ("/invitations/", "token", lambda place: "nothing"),
    ("/staff/<int:pk>/", "pk", key_of("member")),
    ("/roles/", "pk", key_of("own_role")),
    ("/imports/", "pk", key_of("job")),
    ("/report-runs/", "pk", key_of("report_run")),
    ("/report-schedules/", "pk", key_of("schedule")),
    ("/dashboard/reports/schedules/", "pk", key_of("schedule")),
    ("/dashboard/reports/<slug:slug>", "slug", lambda place: "sales"),
    ("/dashboard/reports/<slug:slug>", "format", lambda place: "csv"),
    ("/dashboard/reports/runs/", "pk", key_of("report_run")),
    ("/dashboard/imports/<uuid:pk>/", "pk", key_of("job")),
    ("/dashboard/imports/", "resource", lambda place: "events"),
    ("/exports/", "resource", lambda place: "events"),
    ("/exports/", "kind", lambda place: "csv"),
    ("/dashboard/exports/", "resource", lambda place: "events"),
    ("/dashboard/exports/", "kind", lambda place: "csv"),
    ("/notifications/messages/", "pk", key_of("message")),
    ("/dashboard/events/<slug:slug>/messages/", "pk", key_of("message")),
    ("/push-subscriptions/", "pk", key_of("device")),
    ("/account/devices/", "pk", key_of("device")),
    ("/events/<str:event>/refunds/", "pk", key_of("mass_refund")),
    ("/dashboard/money/events/<slug:slug>/", "pk", key_of("mass_refund")),
    ("/bank-statements/", "pk", key_of("statement")),
    ("/dashboard/money/statements/", "pk", key_of("statement")),
    ("/cart/lines/", "pk", key_of("cart_line")),
    ("/payments/webhooks/", "name", lambda place: "stripe"),
    ("/dashboard/settings/payments/<slug:name>/", "name", lambda place: "stripe"),
    ("/dashboard/settings/payments/<uuid:pk>/", "pk", key_of("account")),
    ("/payment-accounts/", "pk", key_of("account")),
    ("/backups/", "pk", key_of("backup")),
    ("/background-work/parked/", "pk", key_of("parked")),
    ("/dashboard/background/", "pk", key_of("parked")),
    ("/payments/<uuid:pk>/complete/", "pk", key_of("test_payment")),
    ("/payments/", "pk", key_of("payment")),
    ("/events/<str:event>/keys/", "key_id", key_of("event_key", "key_id")),
    ("/dashboard/events/<slug:slug>/codes/", "key_id", key_of("event_key", "key_id")),
    ("/tickets/<uuid:pk>/<str:secret>/", "pk", key_of("given")),
    ("/tickets/<uuid:pk>/<str:secret>/", "secret", key_of("given", "secret")),
    ("/dashboard/tickets/", "pk", key_of("ticket")),
    ("/dashboard/tickets/", "act", lambda place: "resend"),
    ("/tickets/", "pk", key_of("ticket")),
    ("/scan/", "pk", key_of("list")),
    ("/categories/", "slug", lambda place: f"kind-{place.tenant.slug}"),
    ("/tags/", "slug", lambda place: f"tag-{place.tenant.slug}"),
    ("/venues/", "slug", lambda place: f"hall-{place.tenant.slug}"),
    ("/dashboard/box-office/", "code", key_of("sold", "code")),
    ("/dashboard/orders/<slug:code>/lines/", "pk", key_of("line")),
    ("/dashboard/orders/<slug:code>/notes/", "pk", key_of("note")),
    ("/orders/<str:code>/lines/", "pk", key_of("line")),
    ("/orders/<str:code>/<str:secret>/lines/<uuid:pk>/new-code/", "code", key_of("unused", "code")),
    ("/orders/<str:code>/<str:secret>/lines/<uuid:pk>/new-code/", "secret", key_of("unused", "secret")),
    ("/orders/<str:code>/<str:secret>/lines/<uuid:pk>/new-code/", "pk", key_of("unused_line")),
    ("/orders/<str:code>/<str:secret>/lines/<uuid:pk>/transfer/", "code", key_of("unused", "code")),
    ("/orders/<str:code>/<str:secret>/lines/<uuid:pk>/transfer/", "secret", key_of("unused", "secret")),
    ("/orders/<str:code>/<str:secret>/lines/<uuid:pk>/transfer/", "pk", key_of("unused_line")),
    ("/orders/<str:code>/<str:secret>/lines/", "code", key_of("pending", "code")),
    ("/orders/<str:code>/<str:secret>/lines/", "secret", key_of("pending", "secret")),
    ("/orders/<str:code>/<str:secret>/lines/", "pk", key_of("pending_line")),
    ("/orders/<str:code>/notes/", "pk", key_of("note")),
    ("/favorites/", "pk", key_of("favourite")),
    ("/account/favourites/", "pk", key_of("favourite")),
    ("/addresses/", "pk", key_of("address")),
    ("/account/addresses/", "pk", key_of("address")),
    ("/dashboard/orders/<slug:code>/invoices/", "pk", key_of("paper")),
    ("/dashboard/orders/<slug:code>/goods/", "step", lambda place: "pack"),
    ("/orders/<str:code>/mark-paid/", "code", key_of("pending", "code")),
    ("/dashboard/orders/<slug:code>/mark-paid/", "code", key_of("pending", "code")),
    ("/orders/<str:code>/<str:secret>/cancel/", "code", key_of("pending", "code")),
    ("/orders/<str:code>/<str:secret>/cancel/", "secret", key_of("pending", "secret")),
    ("/orders/<str:code>/<str:secret>/pay/", "code", key_of("pending", "code")),
    ("/orders/<str:code>/<str:secret>/pay/", "secret", key_of("pending", "secret")),
    ("/dashboard/events/<slug:slug>/<slug:move>/", "move", lambda place: "archive"),
    ("/users/", "id", key_of("buyer")),
    ("/account/security/sessions/", "id", named("session")),
    ("/account/security/linked/", "id", named("link")),
    ("/auth/social-accounts/", "id", named("link")),
    ("/auth/sessions/", "id", named("session")),
    ("", "provider", lambda place: "google"),
    ("/account/reset/", "uid", lambda place: "MQ"),
    ("/account/reset/", "token", lambda place: "x-y"),
    ("/dev/mailbox/", "name", lambda place: "1-x.eml"),
    ("/dev/mailbox/", "number", lambda place: 1),
    ("/admin/", "object_id", lambda place: 1),
    ("/admin/", "content_type_id", lambda place: 1),
    ("/admin/", "url", lambda place: "nothing/"),
    ("/admin/", "app_label", lambda place: "accounts"),
    ("/dashboard/billing/plans/", "plan", lambda place: "house-monthly"),
    ("/legal-texts/", "code", lambda place: f"terms-{place.tenant.slug}"),
    ("/legal/", "code", lambda place: f"terms-{place.tenant.slug}"),
    ("/dashboard/settings/legal/", "code", lambda place: f"terms-{place.tenant.slug}"),
    ("/consents/", "pk", key_of("consent")),
    ("/dashboard/consents/", "pk", key_of("consent")),
    ("/tenants/", "slug", lambda place: place.tenant.slug),
    ("/tenants/", "pk", lambda place: uuid4()),
    ("/erasures/", "secret", lambda place: "nothing"),
    ("/dashboard/export/", "pk", lambda place: uuid4()),
    ("/tenants/", "domain", lambda place: f"hall.{place.tenant.slug}.example"),
    ("", "event", key_of("event", "slug")),
    ("/dashboard/", "slug", key_of("event", "slug")),
    ("/events/", "slug", key_of("event", "slug")),
    ("", "code", key_of("order", "code")),
    ("", "secret", key_of("order", "secret")),
    ("", "ticket", key_of("ticket")),
    ("/account/tickets/", "tenant", lambda place: place.tenant.slug),
]


def address_part(path: str, name: str, place: Place) -> Any:
    for beginning, parameter, maker in PARAMETERS:
        if parameter == name and path.startswith(beginning):
            return maker(place)
    raise NoSample(f"{path}: what does {name} name? Add it to PARAMETERS in tests/permissions/samples.py.")


def basket(place: Place) -> dict[str, Any]:
    lines = [{"ticket_type": place.ticket_type.pk, "quantity": 1}]
    return {"email": "new@matrix.test", "lines": lines, "provider": "manual"}


def booking(place: Place) -> dict[str, Any]:
    return {"email": "new@matrix.test", "seats": 1, "ticket_type": place.ticket_type.pk, "provider": "manual"}


def event_form(place: Place) -> dict[str, Any]:
    return {
        "title": "A new one", "starts_at": AT, "timezone": "Europe/Berlin", "types-TOTAL_FORMS": "1",
        "types-INITIAL_FORMS": "0", "types-0-name": "Standard", "types-0-price": "5.00", "types-0-capacity": "10",
        "types-0-id": "",
    }  # fmt: skip


def type_form(place: Place) -> dict[str, Any]:
    return {
        "name": "A new kind", "price_kind": "fixed", "price": "7.00", "min_per_order": "1", "max_per_order": "5",
        "position": "1", "tiers-TOTAL_FORMS": "1", "tiers-INITIAL_FORMS": "0", "tiers-0-name": "Early bird",
        "tiers-0-price": "5.00", "tiers-0-until": AT,
    }  # fmt: skip


def scan(place: Place) -> dict[str, Any]:
    from tenant_apps.ticketing.codes import code_text
    from tenants.context import in_tenant

    if place.ticket is None:
        return {"code": "nothing", "scan_id": uuid4().hex}
    with in_tenant(place.tenant):
        return {"code": code_text(place.ticket), "scan_id": uuid4().hex}


def upload(place: Place) -> dict[str, Any]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile("e.csv", b"title,starts_at\nGala,2031-01-10T20:00\n"), "resource": "events"}


def photo(place: Place) -> dict[str, Any]:
    from tests.pictures import picture_file

    return {"image": picture_file(size=(20, 20)), "alt": "A picture"}


def photo_form(place: Place) -> dict[str, Any]:
    return {**photo(place), "add": "1"}


def price_list(place: Place) -> dict[str, Any]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile("p.csv", b"name,price\nMug,5\n")}


def bank_statement(place: Place) -> dict[str, Any]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile("s.csv", b"Date;Amount;Purpose\n31.05.2026;5,00;rent\n")}


def fixed(**body: Any) -> Maker:
    return lambda place: dict(body)


# Pages that look the same for a POST: they say nothing about methods and read nothing that is sent.
SILENT = frozenset(
    {"/", "/docs/errors", "/dashboard/api-keys/", "/dashboard/roles/", "/dashboard/staff/",
     "/dashboard/staff/<int:pk>/", "/events/", "/dashboard/", "/dashboard/events/", "/dashboard/events/<slug:slug>/",
     "/dashboard/orders/", "/dashboard/products/", "/products/", "/products/<slug:slug>/",
     "/dashboard/imports/<uuid:pk>/", "/dev/mailbox/", "/dev/mailbox/<str:name>/", "/dev/mailbox/<str:name>/html/",
     "/dev/mailbox/<str:name>/parts/<int:number>/", "/dashboard/orders/<slug:code>/", "/scan/"}
)  # fmt: skip

# What no sample can bring to a good end here, and where it is tested instead.
NO_GOOD_END = {
    **dict.fromkeys(
        tuple(f"/orders/<str:code>/{step}/" for step in ("pack", "ship", "deliver", "return")),
        "the orders here have no goods: tests/orders/test_shipping.py",
    ),
    **dict.fromkeys(
        (
            "/me/",
            "/me/avatar/",
            "/me/exports/<uuid:pk>/",
            "/me/exports/<uuid:pk>/download/",
            "/me/erasure/<str:secret>/",
            "/account/data/erase/",
            "/account/data/exports/<uuid:pk>/",
            "/account/avatars/<str:file>",
            "/account/erasure/<str:secret>/",
            "/account/picture/",
            "/dashboard/settings/",
        ),
        "needs a job, a picture or a whole form of one's own: tests/people",
    ),
    **dict.fromkeys(
        (
            "/events/<str:event>/reviews/",
            "/reviews/<str:event>/",
            "/events/<str:event>/rate/",
            "/reviews/",
            "/review/",
            "/events/<slug:slug>/review/",
        ),
        "the event lies ahead: tests/reviews",
    ),
    "/unsubscribe/<str:token>/": "needs a mail's link: tests/notifications/test_unsubscribing.py",
    "/mail-sender/records/": "needs an address and a name server: tests/notifications/test_dns_records.py",
    "/account/reset/<str:uid>/<str:token>/": "needs a letter's link: tests/accounts",
    **dict.fromkeys(
        (
            "/payment-accounts/",
            "/payments/webhooks/<slug:name>/",
            "/billing/webhooks/stripe-connect/",
            "/billing/webhooks/stripe/",
            "/dashboard/settings/payments/<slug:name>/",
            "/dashboard/settings/payments/<uuid:pk>/switch/",
        ),
        "needs a provider that answers or signs: tests/payments",
    ),
    "/operator/enter/": "needs a code of the console: tests/operators/test_visits.py",
    "/media/logo/<str:file>": "needs an uploaded logo: tests/staff/test_logo.py",
    "/account/confirm/": "needs a letter's code: tests/accounts",
    "/activate/": "needs a letter's code: tests/accounts",
    "/auth/registration/verify-email/": "needs a letter's code: tests/accounts",
    "/auth/password/reset/confirm/": "needs a letter's link: tests/accounts",
    "/auth/token/refresh/": "needs a fresh token: tests/accounts",
    "/auth/token/verify/": "needs a fresh token: tests/accounts",
    "/users/token/refresh/": "needs a fresh token: tests/accounts",
    **dict.fromkeys(
        (
            "/account/email/",
            "/account/email/confirm/",
            "/account/second-step/",
            "/account/security/codes/",
            "/account/security/totp/",
            "/account/security/totp/off/",
            "/auth/email/change/",
            "/auth/email/change/confirm/",
            "/auth/mfa/recovery-codes/",
            "/auth/mfa/totp/",
            "/auth/mfa/totp/confirm/",
        ),
        "needs a second factor or a letter's code: tests/accounts",
    ),
    "/staff/<int:pk>/make-owner/": "asks the owner's password: tests/staff",
    "/dashboard/staff/<int:pk>/make-owner/": "asks the owner's password: tests/staff",
    "/staff/invitations/accept/": "needs a letter's link: tests/staff",
    "/invitations/<str:token>/": "needs a letter's link: tests/staff",
    **dict.fromkeys(
        ("/tenants/<str:slug>/domains/<str:domain>/verify/", "/tenants/<str:slug>/domains/<str:domain>/primary/"),
        "needs a name server: tests/staff/test_site_address.py",
    ),
    **dict.fromkeys(
        (
            "/tenants/<str:slug>/exports/<uuid:pk>/",
            "/tenants/<str:slug>/exports/<uuid:pk>/archive/",
            "/dashboard/export/archives/<uuid:pk>/",
            "/erasures/<str:secret>/",
            "/erasures/<str:secret>/certificate.json",
        ),
        "needs an archive or an erasure, which a job makes: tests/departures",
    ),
    **dict.fromkeys(
        ("/tenants/<str:slug>/", "/tenants/<str:slug>/closing/", "/dashboard/export/close/"),
        "closing asks the owner's password: tests/departures",
    ),
    **dict.fromkeys(
        (
            "/tenants/<str:slug>/subscription/",
            "/tenants/<str:slug>/subscription/resume/",
            "/tenants/<str:slug>/subscription/preview/",
            "/tenants/<str:slug>/billing-portal/",
            "/dashboard/billing/plans/<slug:plan>/",
            "/dashboard/billing/cancel/",
            "/dashboard/billing/resume/",
            "/dashboard/billing/portal/",
        ),
        "needs Stripe, and a plan that runs: tests/billing",
    ),
    "/tenants/": "opening a schema takes seconds: tests/tenancy",
    "/signup/": "opening a schema takes seconds: tests/tenancy",
    "/signup/confirm/": "needs a letter's code: tests/signup",
    "/imports/<uuid:pk>/apply/": "needs a checked file: tests/imports",
    "/events/<str:event>/": "an event with orders stays: tests/events",
    "/recipe/<str:event>/": "an event with orders stays: tests/events",
    "/events/<str:event>/archive/": "an event that is ahead is not archived: tests/events",
    "/events/<str:event>/publish/": "it is published: tests/events",
    "/events/<str:event>/quotas/<int:pk>/": "a quota in use stays: tests/ticketing",
    "/events/<str:event>/check-in-lists/<int:pk>/": "a door that was scanned at stays: tests/ticketing",
    "/dashboard/events/<slug:slug>/check-in/<int:pk>/delete/": "a door that was scanned at stays: tests/ticketing",
    "/sms-account/": "this platform has no service: tests/notifications/test_text_messages.py",
    "/dashboard/settings/text-messages/": "this platform has no service: tests/notifications/test_text_messages.py",
    "/events/<str:event>/refunds/": "the event takes place: tests/payments",
    "/tickets/<uuid:pk>/transfer/": "the ticket here was used at the door: tests/ticketing/test_life_api.py",
    "/tickets/<uuid:pk>/reinstate/": "the ticket here is good: tests/ticketing/test_life_api.py",
    "/orders/<str:code>/refund/": "money given by hand: tests/payments",
}

MULTIPART = frozenset(
    {
        "POST /imports/",
        "POST /bank-statements/",
        "PUT /settings/logo/",
        "POST /products/<str:slug>/images/",
        "POST /events/<str:event>/media/",
    }
)


def short(path: str) -> str:
    return path.removeprefix("/api/v1")
