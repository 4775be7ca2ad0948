"""Every topic of the outbox is either told to programs or kept from them on purpose, and the page says what is sent."""

import ast
from pathlib import Path

from tenant_apps.activity.delivery import subscribers
from tenant_apps.webhooks.documents import markdown
from tenant_apps.webhooks.fan_out import note
from tenant_apps.webhooks.topics import PRIVATE, TOPICS, is_private

ROOT = Path(__file__).resolve().parents[2]


def recorded() -> set[str]:
    """The topics that the code writes into the outbox, where they stand as text; of composed ones the beginning."""
    found: set[str] = set()
    for folder in ("tenant_apps", "shared_apps", "tenants", "api"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if called not in ("record", "records", "OutboxMessage", "enqueue", "Message"):
                    continue
                options = {option.arg: option.value for option in node.keywords}
                silent = options.get("deliver")
                if isinstance(silent, ast.Constant) and silent.value is False:
                    continue
                named = options.get("topic", node.args[0] if node.args else None)
                found |= {each for each in texts(named) if "." in each}
    return found


def texts(node: ast.AST | None) -> set[str]:
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return texts(one) | texts(other)
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *_rest]):
            return {f"{text}*"}
    return set()


def test_every_topic_is_told_or_kept_on_purpose():
    topics = recorded()
    assert len(topics) > 50
    composed = {topic for topic in topics if topic.endswith("*")}
    strange = {topic for topic in topics - composed if topic not in TOPICS and not is_private(topic)}
    assert strange == set(), "put them into tenant_apps.webhooks.topics: TOPICS or PRIVATE"
    assert {
        topic
        for topic in composed
        if not any(known.startswith(topic[:-1]) for known in TOPICS) and not is_private(topic[:-1])
    } == set()


def test_no_topic_is_both():
    assert [topic for topic in TOPICS if is_private(topic)] == []
    assert all(PRIVATE.values())


def test_what_states_there_are_has_a_topic():
    from tenant_apps.events.models import Event
    from tenant_apps.orders.models import Order
    from tenant_apps.orders.shipping import STEPS
    from tenant_apps.payments.models import Payment

    ends = {f"order.{step.end}" for step in (STEPS.values() if isinstance(STEPS, dict) else STEPS)}
    moves = {f"order.{status}" for status in Order.Status.values if status != "pending"}
    events = {f"event.{status}" for status in Event.Status.values if status != "draft"}
    # A payment that waits for its buyer is no news, and money that went back is told by the order.
    outcomes = {
        f"payment.{status}" for status in (Payment.Status.SUCCEEDED, Payment.Status.FAILED, Payment.Status.CANCELLED)
    }
    assert (ends | moves | events | outcomes) - set(TOPICS) == set()


def test_every_topic_reaches_the_fan_out():
    assert [topic for topic in TOPICS if note not in subscribers(topic)] == []


def test_the_page_of_topics_is_what_the_code_says():
    page = (ROOT / "docs/webhooks.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: manage.py webhook_topics --markdown > docs/webhooks.md"
