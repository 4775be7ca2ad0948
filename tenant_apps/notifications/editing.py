"""A tenant's own words for a topic: kept, shown before they are kept, and given up for ours again."""

from typing import Any, NamedTuple

from django.db import transaction
from django.utils import translation

from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import before_and_after, gone, record
from tenant_apps.notifications import wording
from tenant_apps.notifications.models import Wording
from tenant_apps.notifications.topics import Topic, all_topics, find, sample_values
from tenant_apps.notifications.wording import Words
from tenants.context import current_tenant

FIELDS = ("title", "body", "short")


class Template(NamedTuple):
    """The words that hold for a topic in one language, and whether they are the tenant's."""

    topic: Topic
    language: str
    words: Words
    edited: bool


def editable_topics() -> list[Topic]:
    """Return the topics that a tenant may put in its own words."""
    return [topic for topic in all_topics() if topic.editable]


def templates() -> list[Template]:
    """Return the words of every topic in every language; one statement."""
    own = {(row.topic, row.language): row for row in Wording.objects.all()}
    return [
        _template(topic, language, own.get((topic.name, language)))
        for topic in editable_topics()
        for language in wording.languages()
    ]


def template_of(topic_name: str, language: str) -> Template:
    """Return the words of one topic in one language. Raises NotFound for what cannot be edited."""
    topic = find(topic_name)
    if topic is None or not topic.editable or language not in wording.languages():
        raise NotFound
    return _template(topic, language, Wording.objects.filter(topic=topic.name, language=language).first())


def save(template: Template, words: Words, *, actor: Any) -> Template:
    """Keep the tenant's words for a topic. What equals ours is not kept. Raises InvalidInput naming each fault."""
    words = wording.check_words(template.topic, words)
    if words == template.words:
        return template
    if words == wording.default_words(template.topic, template.language):
        return reset(template, actor=actor)
    with transaction.atomic():
        row, _made = Wording.objects.update_or_create(
            topic=template.topic.name, language=template.language, defaults=words._asdict()
        )
        record("wording.changed", row, actor=actor, details=_details(template, words), deliver=False)
    return template._replace(words=words, edited=True)


@transaction.atomic
def reset(template: Template, *, actor: Any) -> Template:
    """Give the tenant's words up: ours hold again. Twice changes nothing."""
    row = Wording.objects.filter(topic=template.topic.name, language=template.language).first()
    if row is not None:
        told = gone(topic=row.topic, language=row.language, title=row.title, body=row.body[:500], short=row.short)
        record("wording.reset", row, actor=actor, details=told, deliver=False)
        row.delete()
    ours = wording.default_words(template.topic, template.language)
    return template._replace(words=ours, edited=False)


def preview(template: Template, words: Words) -> Words:
    """Return what people would read, with sample values. Raises InvalidInput naming each fault."""
    words = wording.check_words(template.topic, words)
    with translation.override(template.language):
        samples = {**sample_values(template.topic), "site": current_tenant().name}
        return wording.filled(words, template.topic, samples)


def _template(topic: Topic, language: str, row: Wording | None) -> Template:
    words = Words(row.title, row.body, row.short) if row else wording.default_words(topic, language)
    return Template(topic, language, words, row is not None)


def _details(template: Template, words: Words) -> dict[str, Any]:
    changed = before_and_after(template.words._asdict(), words._asdict())
    return {"topic": template.topic.name, "language": template.language, **changed}
