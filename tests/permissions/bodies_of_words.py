"""What a valid request sends where people and programs are told of something: messages, reports by mail, webhooks."""

from typing import Any

from tests.factories import owner_of
from tests.permissions.samples import AT, Maker, fixed
from tests.permissions.world import Place

NOTHING = fixed()
WHY = fixed(reason="To see whether it works.")


def _message(place: Place) -> dict[str, Any]:
    segment = {"event": place.event.slug, "attendance": "checked_in"}
    return {"subject": "News", "message": "Hello {name}", "segment": segment}


def _device(place: Place) -> dict[str, Any]:
    """What a browser says of itself: the generator of P-256 is a point like any other."""
    point = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
    return {"endpoint": "https://push.example.org/one", "keys": {"p256dh": point, "auth": "A" * 22}}


_words = fixed(title="Pay {code}", body="{greeting}")


def _schedule(place: Place) -> dict[str, Any]:
    return {"report": "sales", "cron": "0 8 * * 1", "recipients": [owner_of(place.tenant).email]}


def _schedule_form(place: Place) -> dict[str, Any]:
    return {
        "period": "last_month", "group_by": "day", "format": "pdf", "often": "daily", "at": "08:00",
        "recipients": owner_of(place.tenant).email,
    }  # fmt: skip


BODIES: dict[str, Maker] = {
    "POST /notifications/read-all/": NOTHING,
    "POST /notifications/<uuid:pk>/read/": NOTHING,
    "POST /account/notices/read-all/": NOTHING,
    "POST /unsubscribe/<str:token>/": NOTHING,
    "PUT /message-templates/<str:topic>/<slug:language>/": _words,
    "DELETE /message-templates/<str:topic>/<slug:language>/": NOTHING,
    "POST /message-templates/<str:topic>/<slug:language>/preview/": _words,
    "POST /dashboard/settings/messages/<str:topic>/<slug:language>/": _words,
    "POST /dashboard/settings/messages/<str:topic>/<slug:language>/reset/": NOTHING,
    "PATCH /mail-sender/": fixed(name="The hall"),
    "DELETE /mail-sender/": NOTHING,
    "POST /mail-sender/test/": NOTHING,
    "POST /mail-sender/records/": NOTHING,
    "POST /dashboard/settings/sender/": fixed(name="The hall", port="587"),
    "POST /dashboard/settings/sender/test/": NOTHING,
    "POST /dashboard/settings/sender/check/": NOTHING,
    "POST /dashboard/settings/sender/remove/": NOTHING,
    "POST /operators/tenants/<str:slug>/suspend/": WHY,
    "POST /operators/tenants/<str:slug>/resume/": NOTHING,
    "POST /operators/tenants/<str:slug>/measure/": NOTHING,
    "POST /operators/tenants/<str:slug>/visits/": WHY,
    "DELETE /operators/visits/<uuid:pk>/": NOTHING,
    "DELETE /operator-visits/<uuid:pk>/": NOTHING,
    "POST /operators/failed-work/retry/": lambda place: {
        "kind": "message",
        "tenant": place.tenant.slug,
        "what": "order.resend",
    },
    "POST /operator/tenants/<slug:slug>/suspend/": fixed(**{"suspend-reason": "To see whether it works."}),
    "POST /operator/tenants/<slug:slug>/resume/": NOTHING,
    "POST /operator/tenants/<slug:slug>/measure/": NOTHING,
    "POST /operator/tenants/<slug:slug>/visit/": lambda place: {
        "visit-person": place.tenant.owner_id,
        "visit-reason": "To see whether it works.",
        "visit-minutes": "15",
    },
    "POST /operator/failed/retry/": lambda place: {
        "kind": "message",
        "tenant": place.tenant.slug,
        "what": "order.resend",
    },
    "POST /operator/visits/<uuid:pk>/end/": NOTHING,
    "POST /operator/leave/": NOTHING,
    "POST /dashboard/operators/<uuid:pk>/end/": NOTHING,
    "POST /background-work/parked/retry/": NOTHING,
    "POST /background-work/parked/<uuid:pk>/retry/": NOTHING,
    "POST /dashboard/background/retry/": NOTHING,
    "POST /dashboard/background/<uuid:pk>/retry/": NOTHING,
    "POST /account/notifications/": NOTHING,
    "POST /report-runs/": fixed(report="sales", format="csv"),
    "POST /report-schedules/": _schedule,
    "PATCH /report-schedules/<uuid:pk>/": fixed(cron="30 7 * * *"),
    "DELETE /report-schedules/<uuid:pk>/": NOTHING,
    "POST /dashboard/reports/schedules/new/": _schedule_form,
    "POST /dashboard/reports/schedules/<uuid:pk>/": _schedule_form,
    "POST /dashboard/reports/schedules/<uuid:pk>/switch/": fixed(enabled="0"),
    "POST /dashboard/reports/schedules/<uuid:pk>/delete/": NOTHING,
    "POST /dashboard/reports/runs/": fixed(report="sales", format="csv"),
    "POST /payments/webhooks/<slug:name>/": NOTHING,
    "POST /billing/webhooks/stripe-connect/": NOTHING,
    "POST /billing/webhooks/stripe/": NOTHING,
    "POST /tenants/<str:slug>/subscription/": fixed(plan="house-monthly"),
    "DELETE /tenants/<str:slug>/subscription/": NOTHING,
    "POST /tenants/<str:slug>/subscription/resume/": NOTHING,
    "POST /tenants/<str:slug>/billing-portal/": NOTHING,
    "POST /dashboard/billing/plans/<slug:plan>/": NOTHING,
    "POST /dashboard/billing/cancel/": NOTHING,
    "POST /dashboard/billing/resume/": NOTHING,
    "POST /dashboard/billing/portal/": NOTHING,
    "POST /notifications/": _message,
    "POST /notifications/messages/preview/": _message,
    "POST /notifications/messages/<uuid:pk>/stop/": NOTHING,
    "PUT /sms-account/": fixed(sender="Alpha", key="k", daily_parts=5),
    "DELETE /sms-account/": NOTHING,
    "POST /push-subscriptions/": _device,
    "DELETE /push-subscriptions/<uuid:pk>/": NOTHING,
    "PUT /me/phone/": fixed(phone="+49 30 901820"),
    "DELETE /me/phone/": NOTHING,
    "POST /account/phone/": fixed(phone="+49 30 901820"),
    "POST /account/devices/": lambda place: {**_device(place)["keys"], "endpoint": _device(place)["endpoint"]},
    "POST /account/devices/<uuid:pk>/remove/": NOTHING,
    "POST /dashboard/events/<slug:slug>/messages/": fixed(
        order_status="paid", subject="News", message="Hello {name}", channels=["email"]
    ),
    "POST /dashboard/events/<slug:slug>/messages/<uuid:pk>/stop/": NOTHING,
    "POST /dashboard/settings/text-messages/": fixed(sender="Alpha", key="k", daily_parts="5"),
    "POST /dashboard/settings/text-messages/remove/": NOTHING,
    "PUT /events/<str:event>/reminders/": fixed(offsets_minutes=[90, 30]),
    "POST /dashboard/events/<slug:slug>/reminders/": fixed(own="yes", offsets_minutes="90\n30"),
    "POST /webhooks/": fixed(url="https://hooks.example.org/new", topics=["order.paid"]),
    "PATCH /webhooks/<uuid:pk>/": fixed(description="A new one"),
    "DELETE /webhooks/<uuid:pk>/": NOTHING,
    "POST /webhooks/<uuid:pk>/rotate-secret/": NOTHING,
    "POST /webhooks/<uuid:pk>/test/": NOTHING,
    "POST /webhooks/<uuid:pk>/replay/": lambda place: {"since": place.webhook_delivery.created_at.isoformat()},
    "POST /webhooks/<uuid:pk>/deliveries/<uuid:delivery>/replay/": NOTHING,
    "POST /dashboard/webhooks/new/": fixed(url="https://hooks.example.org/new", topics="order.paid"),
    "POST /dashboard/webhooks/<uuid:pk>/edit/": fixed(url="https://hooks.example.org/other", topics="order.paid"),
    "POST /dashboard/webhooks/<uuid:pk>/switch/": fixed(enabled="0"),
    "POST /dashboard/webhooks/<uuid:pk>/test/": NOTHING,
    "POST /dashboard/webhooks/<uuid:pk>/rotate/": NOTHING,
    "POST /dashboard/webhooks/<uuid:pk>/replay/": fixed(since=AT),
    "POST /dashboard/webhooks/<uuid:pk>/delete/": NOTHING,
    "POST /dashboard/webhooks/<uuid:pk>/log/<uuid:delivery>/replay/": NOTHING,
}
