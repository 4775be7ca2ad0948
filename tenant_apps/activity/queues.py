"""How soon the messages of a topic should leave, and so in which of Celery's queues a worker is sent for.

`urgent` is what somebody waits for in front of a screen: tickets, how to pay, an invitation. `bulk` is what goes to
many and may take its time. Everything else is `default`.
"""

URGENT, DEFAULT, BULK = "urgent", "default", "bulk"
QUEUES = (URGENT, DEFAULT, BULK)

# What somebody waits for: tickets, how to pay, a place that came free, an invitation; and what begins work that staff
# have just asked for. Apps add their own by `route`.
_queues: dict[str, str] = dict.fromkeys(
    (
        "order.placed", "order.paid", "order.resend", "order.cancelled", "order.lines_cancelled", "ticket.received",
        "ticket.transferred", "ticket.resent", "ticket.reissued", "waiting.offered", "staff.invited",
        "refund.requested", "import.started", "import.accepted", "statement.accepted", "mass_refund.started",
        "mass_refund.repeated",
    ),
    URGENT,
)  # fmt: skip


def route(topic: str, queue: str) -> None:
    """Say in which queue a topic's messages leave. Called where the topic's subscribers are."""
    if queue not in QUEUES:
        raise ValueError(f"There is no queue {queue!r}: {', '.join(QUEUES)}.")
    _queues[topic] = queue


def queue_of(topic: str) -> str:
    """Return the queue of a topic."""
    return _queues.get(topic, DEFAULT)
