"""A valid request for every route: what its address names, and what it sends. A route without one fails by name.

Addresses of the API are written without /api/v1. `{}` means that nothing is sent.

For a new route:
- PARAMETERS: a row for each `<…:name>` of the address: (how addresses begin, the name, a maker from a Place). The first
  that fits counts, so the longer beginning stands above the shorter.
- BODIES: `"METHOD /path/<…>/": maker`, for anything but GET; `fixed(…)` where nothing in it depends on the place.
- RELATED: a row for each field that holds the id, slug or code of something else, by the field's last name. It must
  differ from place to place, tenants above all, or be None. Names like models' are found by
  test_every_field_that_names_a_thing_has_a_sample_of_it; NAMES_NOTHING takes those that only sound so, with the reason.
- ALONGSIDE where that field asks for others, QUERIES for a query that names something, NO_GOOD_END for a request that
  succeeds for nobody here, with where it is tested instead.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.factories import PASSWORD
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
    ("/sitemap-", "name", lambda place: "pages"),
    ("/sitemap-", "page", lambda place: 1),
    ("/me/exports/", "pk", lambda place: uuid4()),
    ("/account/data/exports/", "pk", lambda place: uuid4()),
    ("/account/avatars/", "file", lambda place: "nothing.webp"),
    ("/me/erasure/", "secret", lambda place: "nothing"),
    ("/account/erasure/", "secret", lambda place: "nothing"),
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
    ("/dashboard/events/<slug:slug>/people/", "pk", key_of("granted")),
    ("/dashboard/events/<slug:slug>/tickets/", "pk", key_of("spare")),
    ("/dashboard/events/<slug:slug>/quotas/", "pk", key_of("quota")),
    ("/api-keys/", "pk", key_of("key")),
    ("/invitations/", "token", lambda place: "nothing"),
    ("/staff/<int:pk>/", "pk", key_of("member")),
    ("/roles/", "pk", key_of("own_role")),
    ("/imports/", "pk", key_of("job")),
    ("/dashboard/imports/<uuid:pk>/", "pk", key_of("job")),
    ("/dashboard/imports/", "resource", lambda place: "events"),
    ("/exports/", "resource", lambda place: "events"),
    ("/exports/", "kind", lambda place: "csv"),
    ("/dashboard/exports/", "resource", lambda place: "events"),
    ("/dashboard/exports/", "kind", lambda place: "csv"),
    ("/events/<str:event>/refunds/", "pk", key_of("mass_refund")),
    ("/dashboard/money/events/<slug:slug>/", "pk", key_of("mass_refund")),
    ("/bank-statements/", "pk", key_of("statement")),
    ("/dashboard/money/statements/", "pk", key_of("statement")),
    ("/cart/lines/", "pk", key_of("cart_line")),
    ("/payments/webhooks/", "name", lambda place: "stripe"),
    ("/dashboard/settings/payments/<slug:name>/", "name", lambda place: "stripe"),
    ("/dashboard/settings/payments/<uuid:pk>/", "pk", key_of("account")),
    ("/payment-accounts/", "pk", key_of("account")),
    ("/payments/<uuid:pk>/complete/", "pk", key_of("test_payment")),
    ("/payments/", "pk", key_of("payment")),
    ("/tickets/", "pk", key_of("ticket")),
    ("/scan/", "pk", key_of("list")),
    ("/categories/", "slug", lambda place: f"kind-{place.tenant.slug}"),
    ("/tags/", "slug", lambda place: f"tag-{place.tenant.slug}"),
    ("/venues/", "slug", lambda place: f"hall-{place.tenant.slug}"),
    ("/dashboard/box-office/", "code", key_of("sold", "code")),
    ("/dashboard/orders/<slug:code>/lines/", "pk", key_of("line")),
    ("/dashboard/orders/<slug:code>/notes/", "pk", key_of("note")),
    ("/orders/<str:code>/lines/", "pk", key_of("line")),
    ("/orders/<str:code>/<str:secret>/lines/", "code", key_of("pending", "code")),
    ("/orders/<str:code>/<str:secret>/lines/", "secret", key_of("pending", "secret")),
    ("/orders/<str:code>/<str:secret>/lines/", "pk", key_of("pending_line")),
    ("/orders/<str:code>/notes/", "pk", key_of("note")),
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
    ("", "event", key_of("event", "slug")),
    ("/dashboard/", "slug", key_of("event", "slug")),
    ("/events/", "slug", key_of("event", "slug")),
    ("", "code", key_of("order", "code")),
    ("", "secret", key_of("order", "secret")),
    ("", "ticket", key_of("ticket")),
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


NOTHING = fixed()
_event = fixed(title="A new one", starts_at=AT)
_type = fixed(name="A new kind", price="7.00", capacity=5)
_quota = fixed(name="A new quota", capacity=50)
_list = fixed(name="A new door")
_register = fixed(email="fresh@matrix.test", password1=NEW, password2=NEW)
_login = fixed(email="buyer@matrix.test", password=PASSWORD)
_email = fixed(email="buyer@matrix.test")
_move = fixed(email="moved@matrix.test", new_email="moved@matrix.test", password=PASSWORD)
_rename = fixed(name="Renamed")

_address = fixed(name="Grace", city="Ulm", street="Long Lane", house="7")
_product = fixed(name="A new mug", price="5.00")
_bulk = fixed(published=True)
_accepting = fixed(accepting_orders=False)
_method = fixed(name="A new courier", kind="courier", price="5.00")
_discount = fixed(name="A new discount", kind="percent", value="10")
_voucher = fixed(code="A-NEW-CODE", kind="percent", value="10")
_method_form = {
    "name": "A new courier", "kind": "courier", "price": "5.00", "rates-TOTAL_FORMS": "0", "rates-INITIAL_FORMS": "0",
}  # fmt: skip
_columns = {
    "day": "Date", "amount": "Amount", "currency": "=EUR", "purpose": "Purpose", "payer": "Purpose",
    "decimal": ",", "dates": "%d.%m.%Y",
}  # fmt: skip
_goods_grant = fixed(email="buyer@matrix.test", permissions=["change_catalog"])

BODIES: dict[str, Maker] = {
    "PATCH /me/": _rename,
    # With a wrong password: who asks the matrix's questions must still be there for the next one.
    "DELETE /me/": fixed(password="not-the-password"),
    "PUT /me/avatar/": NOTHING,
    "DELETE /me/avatar/": NOTHING,
    "POST /me/export/": NOTHING,
    "PATCH /notification-preferences/": fixed(preferences=[]),
    "PATCH /settings/": fixed(tagline="A new line"),
    "PUT /settings/logo/": lambda place: {"image": photo(place)["image"]},
    "DELETE /settings/logo/": NOTHING,
    "POST /dashboard/settings/logo/": fixed(remove="1"),
    "POST /account/data/erase/": fixed(password="not-the-password"),
    "POST /account/data/export/": NOTHING,
    "POST /account/notifications/": NOTHING,
    "POST /account/picture/": NOTHING,
    "POST /dashboard/settings/": fixed(name="Alpha"),
    "POST /dashboard/settings/payments/<slug:name>/": NOTHING,
    "POST /dashboard/settings/payments/<uuid:pk>/switch/": fixed(enabled="1"),
    "POST /payment-accounts/": fixed(provider="stripe", secret_key="no key"),
    "PATCH /payment-accounts/<uuid:pk>/": fixed(enabled=True),
    "POST /payments/webhooks/<slug:name>/": NOTHING,
    "POST /billing/webhooks/stripe-connect/": NOTHING,
    "POST /events/<str:event>/refunds/": NOTHING,
    "POST /events/<str:event>/refunds/<uuid:pk>/retry/": NOTHING,
    "POST /dashboard/money/events/<slug:slug>/": NOTHING,
    "POST /dashboard/money/events/<slug:slug>/<uuid:pk>/repeat/": NOTHING,
    "POST /bank-statements/": bank_statement,
    "PATCH /bank-statements/<uuid:pk>/": fixed(mapping=_columns),
    "POST /bank-statements/<uuid:pk>/book/": NOTHING,
    "POST /dashboard/money/statements/": bank_statement,
    "POST /dashboard/money/statements/<uuid:pk>/columns/": fixed(**_columns),
    "POST /dashboard/money/statements/<uuid:pk>/book/": NOTHING,
    "POST /activate/": fixed(email="x@matrix.test", confirmation_code="123456"),
    "POST /auth/login/": _login,
    "POST /auth/logout-all/": NOTHING,
    "POST /auth/logout/": NOTHING,
    "POST /auth/password/change/": fixed(old_password=PASSWORD, new_password1=NEW, new_password2=NEW),
    "POST /auth/password/reset/": _email,
    "POST /auth/password/reset/confirm/": fixed(uid="MQ", token="x-y", new_password1=NEW, new_password2=NEW),
    "POST /auth/registration/": _register,
    "POST /auth/registration/resend-email/": _email,
    "POST /auth/registration/verify-email/": fixed(email="x@matrix.test", code="123456"),
    "POST /auth/token/refresh/": fixed(refresh="x.y.z"),
    "POST /auth/token/verify/": fixed(token="x.y.z"),
    "PATCH /auth/user/": _rename,
    "POST /change_password/": fixed(password=PASSWORD, new_password=NEW),
    "POST /forgot_password/": _email,
    "POST /login/": _login,
    "POST /register/": fixed(email="fresh@matrix.test", password=NEW),
    "POST /tenants/": fixed(name="Alpha again", slug="alpha"),
    "POST /users/login/": _login,
    "POST /users/register/": fixed(email="fresh@matrix.test", password=NEW),
    "POST /users/token/refresh/": fixed(refresh="x.y.z"),
    "POST /bookings/": lambda place: {**booking(place), "event_id": place.event.pk},
    "DELETE /bookings/<str:code>/": NOTHING,
    "PATCH /bookings/<str:code>/": _rename,
    "POST /categories/": _rename,
    "PATCH /categories/<str:slug>/": _rename,
    "PUT /categories/<str:slug>/": _rename,
    "DELETE /categories/<str:slug>/": NOTHING,
    "POST /tags/": _rename,
    "PATCH /tags/<str:slug>/": _rename,
    "PUT /tags/<str:slug>/": _rename,
    "DELETE /tags/<str:slug>/": NOTHING,
    "POST /venues/": _rename,
    "PATCH /venues/<str:slug>/": _rename,
    "PUT /venues/<str:slug>/": _rename,
    "DELETE /venues/<str:slug>/": NOTHING,
    "POST /categories/<str:slug>/grants/": _goods_grant,
    "DELETE /categories/<str:slug>/grants/<int:pk>/": NOTHING,
    "POST /product-categories/": _rename,
    "PATCH /product-categories/<str:slug>/": _rename,
    "PUT /product-categories/<str:slug>/": _rename,
    "DELETE /product-categories/<str:slug>/": NOTHING,
    "POST /product-categories/<str:slug>/grants/": _goods_grant,
    "DELETE /product-categories/<str:slug>/grants/<int:pk>/": NOTHING,
    # Into the category of the place: whoever was granted that one may make goods there and nowhere else.
    "POST /products/": lambda place: {**_product(place), "category": place.goods.slug},
    "PATCH /products/<str:slug>/": _rename,
    "PUT /products/<str:slug>/": lambda place: {**_product(place), "category": place.goods.slug},
    "DELETE /products/<str:slug>/": NOTHING,
    "POST /products/<str:slug>/variants/": _rename,
    "PATCH /products/<str:slug>/variants/<int:pk>/": _rename,
    "PUT /products/<str:slug>/variants/<int:pk>/": _rename,
    "DELETE /products/<str:slug>/variants/<int:pk>/": NOTHING,
    "POST /product-bulk/": lambda place: {**_bulk(place), "products": [place.product.slug]},
    "PUT /product-categories/<str:slug>/accepting-orders/": _accepting,
    "POST /products/<str:slug>/images/": photo,
    "PATCH /products/<str:slug>/images/<int:pk>/": fixed(alt="Another mug"),
    "DELETE /products/<str:slug>/images/<int:pk>/": NOTHING,
    "POST /events/<str:event>/media/": photo,
    "PATCH /events/<str:event>/media/<int:pk>/": fixed(alt="Another hall"),
    "DELETE /events/<str:event>/media/<int:pk>/": NOTHING,
    "POST /discounts/": _discount,
    "PUT /discounts/<int:pk>/": _discount,
    "PATCH /discounts/<int:pk>/": fixed(name="Another name"),
    "DELETE /discounts/<int:pk>/": NOTHING,
    "POST /vouchers/": _voucher,
    "POST /vouchers/bulk/": fixed(count=3, prefix="B-", kind="percent", value="10"),
    "PUT /vouchers/<str:code>/": _voucher,
    "PATCH /vouchers/<str:code>/": fixed(tag="another"),
    "DELETE /vouchers/<str:code>/": NOTHING,
    "POST /delivery-methods/": _method,
    "PATCH /delivery-methods/<int:pk>/": _rename,
    "PUT /delivery-methods/<int:pk>/": _method,
    "DELETE /delivery-methods/<int:pk>/": NOTHING,
    "POST /check-in-lists/<int:pk>/scan/": scan,
    "POST /check-in-lists/<int:pk>/scans/": lambda place: {"scans": [scan(place)]},
    "POST /check-in-lists/<int:pk>/scans/<path:scan_id>/undo/": NOTHING,
    "POST /events/": _event,
    "DELETE /events/<str:event>/": NOTHING,
    "PATCH /events/<str:event>/": fixed(summary="New words"),
    "PUT /events/<str:event>/": _event,
    "POST /events/<str:event>/archive/": NOTHING,
    "POST /events/<str:event>/book/": booking,
    "POST /events/<str:event>/cancel/": NOTHING,
    "POST /events/<str:event>/cancel_booking/": NOTHING,
    "POST /events/<str:event>/check-in-lists/": _list,
    "DELETE /events/<str:event>/check-in-lists/<int:pk>/": NOTHING,
    "PATCH /events/<str:event>/check-in-lists/<int:pk>/": _list,
    "PUT /events/<str:event>/check-in-lists/<int:pk>/": _list,
    "POST /events/<str:event>/duplicate/": NOTHING,
    "POST /events/<str:event>/grants/": fixed(email="buyer@matrix.test", permissions=["check_in"]),
    "DELETE /events/<str:event>/grants/<int:pk>/": NOTHING,
    "POST /events/<str:event>/postpone/": fixed(starts_at=AT),
    "POST /events/<str:event>/publish/": NOTHING,
    "POST /events/<str:event>/program/": fixed(title="Concert"),
    "PATCH /events/<str:event>/program/<int:pk>/": fixed(title="Concert"),
    "PUT /events/<str:event>/program/<int:pk>/": fixed(title="Concert"),
    "DELETE /events/<str:event>/program/<int:pk>/": NOTHING,
    "POST /events/<str:event>/bring/": _rename,
    "PATCH /events/<str:event>/bring/<int:pk>/": _rename,
    "PUT /events/<str:event>/bring/<int:pk>/": _rename,
    "DELETE /events/<str:event>/bring/<int:pk>/": NOTHING,
    "POST /events/<str:event>/questions/": fixed(text="How old?"),
    "PATCH /events/<str:event>/questions/<int:pk>/": fixed(text="How old?"),
    "PUT /events/<str:event>/questions/<int:pk>/": fixed(text="How old?"),
    "DELETE /events/<str:event>/questions/<int:pk>/": NOTHING,
    "POST /series/": lambda place: {"event": place.event.slug, "rule": "FREQ=DAILY;COUNT=2"},
    "PATCH /series/<str:slug>/": fixed(title="Renamed"),
    "DELETE /series/<str:slug>/": NOTHING,
    "PATCH /series/<str:slug>/dates/": lambda place: {
        "event": f"date-{place.tenant.slug}", "scope": "all", "summary": "New words",
    },
    "POST /events/<str:event>/quotas/": _quota,
    "DELETE /events/<str:event>/quotas/<int:pk>/": NOTHING,
    "PATCH /events/<str:event>/quotas/<int:pk>/": _rename,
    "PUT /events/<str:event>/quotas/<int:pk>/": _quota,
    "POST /events/<str:event>/ticket-types/": _type,
    "DELETE /events/<str:event>/ticket-types/<int:pk>/": NOTHING,
    "PATCH /events/<str:event>/ticket-types/<int:pk>/": _rename,
    "PUT /events/<str:event>/ticket-types/<int:pk>/": fixed(name="Renamed", price="7.00"),
    "POST /imports/": upload,
    "POST /imports/<uuid:pk>/apply/": NOTHING,
    "POST /dashboard/imports/<slug:resource>/": upload,
    "POST /dashboard/imports/<uuid:pk>/columns/": NOTHING,
    "POST /dashboard/imports/<uuid:pk>/apply/": NOTHING,
    "DELETE /cart/": NOTHING,
    "POST /cart/lines/": lambda place: {"ticket_type": place.ticket_type.pk, "quantity": 1},
    "PATCH /cart/lines/<uuid:pk>/": fixed(quantity=2),
    "DELETE /cart/lines/<uuid:pk>/": NOTHING,
    "POST /cart/hold/": NOTHING,
    "PUT /cart/delivery/": lambda place: {"method": place.method.pk},
    "DELETE /cart/delivery/": NOTHING,
    "PUT /cart/voucher/": lambda place: {"code": f"CODE-{place.tenant.slug}"},
    "DELETE /cart/voucher/": NOTHING,
    "POST /cart/voucher/": lambda place: {"voucher": f"CODE-{place.tenant.slug}"},
    "POST /orders/": basket,
    "POST /events/<str:event>/waiting-list/": lambda place: {
        "ticket_type": place.full.pk, "quantity": 1, "email": "new@matrix.test",
    },
    "DELETE /events/<str:event>/waiting-list/<uuid:pk>/": NOTHING,
    "POST /events/<str:event>/waiting-list/<uuid:pk>/offer/": NOTHING,
    "DELETE /waiting-list/<str:token>/": NOTHING,
    "POST /waiting-list/<str:token>/order/": fixed(name="Ada", provider="manual"),
    "POST /events/<slug:slug>/waiting-list/": lambda place: {
        "ticket_type": place.full.pk, "quantity": "1", "email": "new@matrix.test",
    },
    "POST /waiting-list/<str:secret>/": fixed(act="leave"),
    "POST /dashboard/events/<slug:slug>/waiting-list/<uuid:pk>/offer/": NOTHING,
    "POST /dashboard/events/<slug:slug>/waiting-list/<uuid:pk>/remove/": NOTHING,
    "PATCH /orders/<str:code>/": _rename,
    "POST /orders/<str:code>/cancel/": NOTHING,
    "PUT /orders/<str:code>/cancel/": NOTHING,
    "PATCH /orders/<str:code>/lines/<uuid:pk>/": fixed(attendee={"name": "Grace"}),
    "POST /orders/<str:code>/lines/<uuid:pk>/cancel/": NOTHING,
    "POST /orders/<str:code>/notes/": fixed(text="Called again."),
    "DELETE /orders/<str:code>/notes/<int:pk>/": NOTHING,
    "POST /box-office/orders/": lambda place: {
        "lines": [{"ticket_type": place.ticket_type.pk, "quantity": 1}], "payment": "cash",
    },
    "POST /addresses/": _address,
    "PUT /addresses/<int:pk>/": _address,
    "PATCH /addresses/<int:pk>/": _rename,
    "DELETE /addresses/<int:pk>/": NOTHING,
    "POST /orders/<str:code>/mark-paid/": NOTHING,
    "POST /orders/<str:code>/refund/": NOTHING,
    "POST /orders/<str:code>/resend/": NOTHING,
    "POST /orders/<str:code>/invoices/": NOTHING,
    "POST /orders/<str:code>/pack/": NOTHING,
    "POST /orders/<str:code>/ship/": fixed(carrier="DHL", tracking_number="JD0001"),
    "POST /orders/<str:code>/deliver/": NOTHING,
    "POST /orders/<str:code>/return/": NOTHING,
    "POST /orders/<str:code>/<str:secret>/invoice/": NOTHING,
    "POST /dashboard/orders/<slug:code>/invoice/": NOTHING,
    "POST /dashboard/orders/<slug:code>/refund/": NOTHING,
    "POST /dashboard/orders/<slug:code>/goods/<slug:step>/": NOTHING,
    "POST /dashboard/bulk-orders/": lambda place: {"order": place.order.code, "step": "pack"},
    "POST /payments/": lambda place: {"order": getattr(place.pending, "code", None), "provider": "manual"},
    "POST /payments/<uuid:pk>/complete/": fixed(outcome="succeed"),
    "POST /recipe/": _event,
    "DELETE /recipe/<str:event>/": NOTHING,
    "PATCH /recipe/<str:event>/": fixed(summary="New words"),
    "PUT /recipe/<str:event>/": _event,
    "POST /staff/": lambda place: {"email": "buyer@matrix.test", "role": place.role.pk},
    "PATCH /staff/<int:pk>/": lambda place: {"role": place.role.pk},
    "DELETE /staff/<int:pk>/": NOTHING,
    "POST /auth/email/change/": _move,
    "POST /auth/email/change/confirm/": fixed(email="moved@matrix.test", code="123456"),
    "POST /auth/mfa/recovery-codes/": fixed(password=PASSWORD),
    "POST /auth/mfa/totp/": NOTHING,
    "DELETE /auth/mfa/totp/": fixed(password=PASSWORD),
    "POST /auth/mfa/totp/confirm/": fixed(otp="123456"),
    "DELETE /auth/sessions/<uuid:id>/": NOTHING,
    "POST /auth/social-accounts/<int:id>/": fixed(password=PASSWORD),
    "DELETE /auth/social-accounts/<int:id>/": NOTHING,
    "POST /auth/social/<slug:provider>/": fixed(code="x"),
    "POST /api-keys/": fixed(name="New key", scopes=["check_in"]),
    "DELETE /api-keys/<int:pk>/": NOTHING,
    "POST /roles/": fixed(name="New role", permissions=["check_in"]),
    "PATCH /roles/<int:pk>/": fixed(name="Renamed"),
    "DELETE /roles/<int:pk>/": NOTHING,
    "POST /staff/<int:pk>/make-owner/": fixed(password=PASSWORD),
    "POST /staff/invitations/": lambda place: {"email": "fresh@matrix.test", "role": place.role.pk},
    "DELETE /staff/invitations/<int:pk>/": NOTHING,
    "POST /staff/invitations/<int:pk>/resend/": NOTHING,
    "POST /staff/invitations/accept/": fixed(token="nothing"),
    # Pages
    "POST /dashboard/api-keys/new/": fixed(name="New key", scopes="check_in"),
    "POST /dashboard/api-keys/<int:pk>/revoke/": NOTHING,
    "POST /dashboard/events/<slug:slug>/people/": fixed(email="buyer@matrix.test", permissions="check_in"),
    "POST /dashboard/events/<slug:slug>/people/<int:pk>/remove/": NOTHING,
    "POST /dashboard/events/<slug:slug>/tickets/new/": type_form,
    "POST /dashboard/events/<slug:slug>/tickets/<int:pk>/": type_form,
    "POST /dashboard/events/<slug:slug>/tickets/<int:pk>/delete/": NOTHING,
    "POST /dashboard/events/<slug:slug>/quotas/new/": fixed(**{"new-name": "A new quota", "new-capacity": "5"}),
    "POST /dashboard/events/<slug:slug>/quotas/<int:pk>/": lambda place: {
        f"q{place.quota.pk}-name": "Renamed", f"q{place.quota.pk}-capacity": "500",
    },
    "POST /dashboard/events/<slug:slug>/quotas/<int:pk>/delete/": NOTHING,
    "POST /dashboard/roles/new/": fixed(name="New role", permissions="check_in"),
    "POST /dashboard/roles/<int:pk>/": fixed(name="Renamed", permissions="check_in"),
    "POST /dashboard/roles/<int:pk>/delete/": NOTHING,
    "POST /dashboard/staff/<int:pk>/role/": lambda place: {"role": place.role.pk},
    "POST /dashboard/staff/<int:pk>/remove/": NOTHING,
    "POST /dashboard/staff/<int:pk>/make-owner/": fixed(password=PASSWORD),
    "POST /dashboard/staff/invitations/<int:pk>/<slug:move>/": NOTHING,
    "POST /dashboard/staff/invite/": lambda place: {"email": "fresh@matrix.test", "role": place.role.pk, "to": "staff"},
    "POST /invitations/<str:token>/": NOTHING,
    "POST /account/": fixed(name="Renamed", language="en", timezone=""),
    "POST /account/confirm/": fixed(email="x@matrix.test", code="123456"),
    "POST /account/login/": _login,
    "POST /account/logout-everywhere/": NOTHING,
    "POST /account/logout/": NOTHING,
    "POST /account/password/": fixed(old_password=PASSWORD, new_password1=NEW, new_password2=NEW),
    "POST /account/register/": _register,
    "POST /account/resend/": _email,
    "POST /account/reset/": _email,
    "POST /account/reset/<str:uid>/<str:token>/": fixed(new_password1=NEW, new_password2=NEW),
    "POST /account/email/": _move,
    "POST /account/email/confirm/": fixed(email="moved@matrix.test", code="123456"),
    "POST /account/second-step/": fixed(otp="123456"),
    "POST /account/security/codes/": fixed(password=PASSWORD),
    "POST /account/security/sessions/<uuid:id>/end/": NOTHING,
    "POST /account/security/linked/<int:id>/unlink/": NOTHING,
    "POST /account/security/linked/<int:id>/link/": fixed(password=PASSWORD),
    "POST /account/security/totp/": fixed(otp="123456"),
    "POST /account/security/totp/off/": fixed(password=PASSWORD),
    "POST /signup/": fixed(name="Alpha again", slug="alpha"),
    "POST /dashboard/new-event/": event_form,
    "POST /dashboard/events/<slug:slug>/edit/": event_form,
    "POST /dashboard/events/<slug:slug>/repeat/": fixed(title="Again", frequency="DAILY", count="2", make="1"),
    "POST /dashboard/events/<slug:slug>/duplicate/": fixed(starts_at=AT),
    "POST /dashboard/events/<slug:slug>/postpone/": fixed(starts_at=AT),
    "POST /dashboard/events/<slug:slug>/quick/": fixed(title="A quick one", starts_at=AT),
    "POST /dashboard/bulk-events/": lambda place: {"event": place.event.slug, "action": "shift", "days": "1"},
    "POST /dashboard/series/<slug:slug>/": fixed(what="rule", title="Renamed", rule="FREQ=DAILY;COUNT=2"),
    "POST /dashboard/categories/": _rename,
    "POST /dashboard/categories/<slug:slug>/": _rename,
    "POST /dashboard/tags/": _rename,
    "POST /dashboard/tags/<slug:slug>/": _rename,
    "POST /dashboard/venues/": _rename,
    "POST /dashboard/venues/<slug:slug>/": _rename,
    "POST /dashboard/events/<slug:slug>/program/": fixed(title="Concert"),
    "POST /dashboard/events/<slug:slug>/program/<int:pk>/": fixed(title="Concert"),
    "POST /dashboard/events/<slug:slug>/bring/": _rename,
    "POST /dashboard/events/<slug:slug>/bring/<int:pk>/": _rename,
    "POST /dashboard/events/<slug:slug>/questions/": fixed(text="How old?", kind="text"),
    "POST /dashboard/events/<slug:slug>/questions/<int:pk>/": fixed(text="How old?", kind="text"),
    "POST /dashboard/venues/merge/": lambda place: {
        "venue": [f"twin-{place.tenant.slug}"], "keep": f"hall-{place.tenant.slug}",
    },
    "POST /dashboard/events/<slug:slug>/<slug:move>/": NOTHING,
    "POST /dashboard/new-product/": fixed(name="A new mug", price="5.00", min_quantity="1", order_multiple="1"),
    "POST /dashboard/products/<slug:slug>/": _product,
    "POST /dashboard/products/<slug:slug>/delete/": NOTHING,
    "POST /dashboard/products/<slug:slug>/images/": photo_form,
    "POST /dashboard/events/<slug:slug>/media/": photo_form,
    "POST /dashboard/product-bulk/": lambda place: {"chosen": place.product.pk, "change": "publish"},
    "POST /dashboard/product-categories/<slug:slug>/orders/": fixed(accepting="off"),
    "POST /dashboard/new-discount/": _discount,
    "POST /dashboard/discounts/<int:pk>/": _discount,
    "POST /dashboard/discounts/<int:pk>/delete/": NOTHING,
    "POST /dashboard/new-voucher/": _voucher,
    "POST /dashboard/new-vouchers/": fixed(count="3", kind="percent", value="10", tag="many"),
    "POST /dashboard/vouchers/<slug:code>/": _voucher,
    "POST /dashboard/vouchers/<slug:code>/delete/": NOTHING,
    "POST /dashboard/delivery-methods/": fixed(**_method_form),
    "POST /dashboard/delivery-methods/<int:pk>/": fixed(**_method_form),
    "POST /dashboard/variants/<int:pk>/": fixed(price="5.00", capacity="5"),
    "POST /dashboard/product-categories/": _rename,
    "POST /dashboard/product-categories/<slug:slug>/": _rename,
    "POST /dashboard/box-office/<slug:slug>/": lambda place: {
        f"quantity_{place.ticket_type.pk}": "1", "way": "cash", "key": uuid4().hex,
    },
    "POST /dashboard/box-office/<slug:slug>/total/": lambda place: {
        f"quantity_{place.ticket_type.pk}": "1", "way": "cash", "key": uuid4().hex,
    },
    "POST /dashboard/orders/<slug:code>/cancel/": NOTHING,
    "POST /dashboard/orders/<slug:code>/lines/<uuid:pk>/": fixed(name="Grace"),
    "POST /dashboard/orders/<slug:code>/lines/<uuid:pk>/cancel/": NOTHING,
    "POST /dashboard/orders/<slug:code>/notes/": fixed(text="Called again."),
    "POST /dashboard/orders/<slug:code>/notes/<int:pk>/delete/": NOTHING,
    "POST /dashboard/orders/<slug:code>/mark-paid/": NOTHING,
    "POST /events/<slug:slug>/": lambda place: {
        f"quantity_{place.ticket_type.pk}": "1",
    },
    "POST /cart/lines/<uuid:pk>/": fixed(quantity="2"),
    "POST /cart/empty/": NOTHING,
    "POST /checkout/": fixed(email="new@matrix.test", name="New"),
    "POST /products/<slug:slug>/add/": lambda place: {f"variant_{place.variant.pk}": "1"},
    "POST /orders/<str:code>/<str:secret>/cancel/": NOTHING,
    "POST /orders/<str:code>/<str:secret>/lines/<uuid:pk>/": fixed(name="Grace"),
    "POST /orders/<str:code>/<str:secret>/lines/<uuid:pk>/cancel/": NOTHING,
    "POST /orders/claim/": NOTHING,
    "POST /account/addresses/": _address,
    "POST /account/addresses/<int:pk>/": _address,
    "POST /orders/<str:code>/<str:secret>/pay/": fixed(provider="manual"),
    "POST /scan/<int:pk>/": scan,
}  # fmt: skip

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
    "/account/reset/<str:uid>/<str:token>/": "needs a letter's link: tests/accounts",
    **dict.fromkeys(
        (
            "/payment-accounts/",
            "/payments/webhooks/<slug:name>/",
            "/billing/webhooks/stripe-connect/",
            "/dashboard/settings/payments/<slug:name>/",
            "/dashboard/settings/payments/<uuid:pk>/switch/",
        ),
        "needs a provider that answers or signs: tests/payments",
    ),
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
    "/tenants/": "opening a schema takes seconds: tests/tenancy",
    "/signup/": "opening a schema takes seconds: tests/tenancy",
    "/imports/<uuid:pk>/apply/": "needs a checked file: tests/imports",
    "/events/<str:event>/": "an event with orders stays: tests/events",
    "/recipe/<str:event>/": "an event with orders stays: tests/events",
    "/events/<str:event>/archive/": "an event that is ahead is not archived: tests/events",
    "/events/<str:event>/publish/": "it is published: tests/events",
    "/events/<str:event>/quotas/<int:pk>/": "a quota in use stays: tests/ticketing",
    "/events/<str:event>/check-in-lists/<int:pk>/": "a door that was scanned at stays: tests/ticketing",
    "/events/<str:event>/refunds/": "the event takes place: tests/payments",
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

# The value of a body's field that names something else, as the place has it; None where it has none. By the field's
# last name ("lines.ticket_type" is under "ticket_type"): every such field of every route is then sent with the
# neighbour's thing and with that of an event that the caller may not see.
RELATED: dict[str, Maker] = {
    "ticket_type": key_of("ticket_type"),
    "ticket_types": lambda place: [place.ticket_type.pk],
    "quotas": lambda place: [place.quota.pk],
    "event_id": key_of("event"),
    "event": key_of("event", "slug"),
    "events": lambda place: [place.event.slug],
    "category": lambda place: f"kind-{place.tenant.slug}",
    "tags": lambda place: [f"tag-{place.tenant.slug}"],
    "venue": lambda place: f"hall-{place.tenant.slug}",
    # Ready-made roles have the same ids in every tenant; one of the tenant's own does not.
    "role": key_of("own_role"),
    "copy_of": key_of("own_role"),
    "order": key_of("pending", "code"),
    # Who may change goods may change those that are not on show as well: only the neighbour's are hidden.
    "products": lambda place: [place.product.slug] if place.public else None,
    "variant": lambda place: place.variant.pk if place.public else None,
    "voucher": lambda place: f"CODE-{place.tenant.slug}",
    "quota": lambda place: place.quota.pk,
    "event_categories": lambda place: [f"kind-{place.tenant.slug}"],
    "product_categories": lambda place: [f"kind-{place.tenant.slug}"],
    "cart": named("cart_token"),
}
DOOR = {"name": "Ada", "city": "London", "street": "Strand"}
# Where a field of that name means something else at one route.
RELATED_AT: dict[str, Maker] = {
    "POST /events/<str:event>/waiting-list/ ticket_type": key_of("full"),
    "PATCH /series/<str:slug>/dates/ event": lambda place: f"date-{place.tenant.slug}",
}
# What else a body has to hold, or (None) not to, for one of these fields to count.
ALONGSIDE: dict[str, dict[str, Any]] = {
    "POST /staff/invitations/ event": {"role": None, "permissions": ["check_in"]},
    "POST /roles/ copy_of": {"permissions": None},
    "POST /events/<str:event>/ticket-types/ quotas": {"capacity": None},
    "POST /orders/ lines.variant": {
        "lines.ticket_type": None,
        "delivery": lambda place: {**DOOR, "method": place.method.pk},
    },
    "POST /box-office/orders/ lines.variant": {"lines.ticket_type": None},
    "POST /cart/lines/ variant": {"ticket_type": None},
    "POST /orders/ cart": {"lines": None},
}
# Fields that are called like a model and name nothing, and why.
NAMES_NOTHING: dict[str, str] = {
    "tag": "a word that vouchers are sorted by",
    "payment": "cash or complimentary, at the box office",
    "delivery": "an address; its way of delivery is tried in tests/orders/test_goods.py",
    "refund": "yes or no",
    "scan_id": "what the device calls its own scan",
    "parameters": "names and values kept in the product itself",
    "tax_id": "a number that an office gave the buyer",
    "client_id": "a shop's name at its payment provider",
    "merchant_id": "a shop's number at its payment provider",
}

# Queries that name something: what of another tenant's is sent, and what never was.
QUERIES: dict[tuple[str, str], tuple[Maker, Any]] = {
    ("/api/v1/events/", "category"): (lambda place: f"kind-{place.tenant.slug}", "never"),
    ("/api/v1/events/", "tag"): (lambda place: f"tag-{place.tenant.slug}", "never"),
    ("/api/v1/events/", "venue"): (lambda place: f"hall-{place.tenant.slug}", "never"),
    ("/api/v1/events/", "search"): (lambda place: place.event.title, "Nevermore"),
    ("/api/v1/audit/", "target"): (lambda place: f"order:{place.order.pk}", "order:9999999"),
    ("/api/v1/audit/", "actor"): (lambda place: place.buyer.email, "never@matrix.test"),
    ("/dashboard/orders/", "event"): (lambda place: place.event.slug, "never"),
    ("/dashboard/orders/", "search"): (lambda place: place.order.code, "NEVER0"),
    ("/dashboard/events/", "search"): (lambda place: place.event.title, "Nevermore"),
    ("/events/", "category"): (lambda place: f"kind-{place.tenant.slug}", "never"),
    ("/dashboard/roles/new/", "copy"): (lambda place: place.own_role.pk, 9_999_999),
}


def short(path: str) -> str:
    return path.removeprefix("/api/v1")


def body_of(method: str, path: str, place: Place) -> Any:
    if method == "GET" or path.startswith("/admin/") or (method == "POST" and path in SILENT):
        return {}
    path = short(path)
    maker = BODIES.get(f"{method} {path}")
    if maker is None:
        raise NoSample(f"{method} {path}: what does one send? Add it to BODIES in tests/permissions/samples.py.")
    return maker(place)


# Names that a body may have beside those that docs/api.yaml tells: what older clients call the same thing.
ALSO_TAKEN: dict[str, tuple[str, ...]] = {}
