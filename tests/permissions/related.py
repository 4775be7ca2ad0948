"""What the fields and queries that name something else are sent; samples.py says how to add one."""

from typing import Any

from tests.permissions.samples import Maker, key_of, named

# The value of a body's field that names something else, as the place has it; None where it has none. By the field's
# last name ("lines.ticket_type" is under "ticket_type"): every such field of every route is then sent with the
# neighbour's thing and with that of an event that the caller may not see.
RELATED: dict[str, Maker] = {
    "ticket_type": key_of("ticket_type"),
    "ticket_types": lambda place: [place.ticket_type.pk],
    "quotas": lambda place: [place.quota.pk],
    "event_id": key_of("event"),
    "event": key_of("event", "slug"),
    "product": lambda place: place.product.slug if place.public else None,
    "product_id": lambda place: place.product.pk if place.public else None,
    "series": lambda place: f"series-{place.tenant.slug}",
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
    "zone": key_of("check_in_zone"),
    "check_in_list": key_of("list"),
    "user": lambda place: place.buyer.pk if place.buyer else None,
    "user_id": lambda place: place.buyer.pk if place.buyer else None,
    "review": lambda place: str(place.review.pk) if getattr(place, "review", None) else None,
    "reviews": lambda place: [str(place.review.pk)] if getattr(place, "review", None) else None,
    "ticket": lambda place: str(place.ticket.pk) if getattr(place, "ticket", None) else None,
}
DOOR = {"name": "Ada", "city": "London", "street": "Strand"}
# Where a field of that name means something else at one route.
RELATED_AT: dict[str, Maker] = {
    "POST /events/<str:event>/waiting-list/ ticket_type": key_of("full"),
    # One that is over, and that the buyer was at.
    "POST /reviews/ event_id": key_of("bygone"),
    "POST /review/ event_id": key_of("bygone"),
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
    "POST /reviews/moderation/ reviews": {"review": None},
    **{f"POST /favorites/ {name}": {"event": None} for name in ("event_id", "product", "product_id")},
    "POST /notifications/ user": {"segment": None},
    "POST /notifications/ user_id": {"segment": None},
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
    "phone": "a number to call or write to",
    "message": "what is written to people",
    "avatar": "a picture that is sent along",
    "sender": "the name that text messages come from",
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
