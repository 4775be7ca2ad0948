"""The words of a topic: ours, or what the tenant made of them in one language. Plain text with `{placeholders}` (B8).

Only `{name}` with a name of the topic's list is filled in. Whatever else looks like code, `{{ code }}` or `{% tags %}`,
is text like any other: nothing here evaluates anything.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.notifications.models import Wording
from tenant_apps.notifications.topics import Topic
from tenants.models import Tenant

# Doubled braces are no placeholder: they are what people paste who know other systems.
_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z_][A-Za-z0-9_]*)\}(?!\})")
LONGEST = {"title": 150, "body": 5000, "short": 300}
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# What a value may come to: a name of a megabyte makes no mail of a megabyte.
LONGEST_VALUE = 6000


class Words(NamedTuple):
    """What is said about a topic, with placeholders or filled in."""

    title: str
    body: str
    short: str


def languages() -> dict[str, str]:
    """Return the languages that words can be written in, by code."""
    return {code: str(name) for code, name in settings.LANGUAGES}


def known_language(*wanted: str) -> str:
    """Return the first of these languages that we have, else English."""
    offered = dict(settings.LANGUAGES)
    return next((one for one in wanted if one in offered), "en")


def default_words(topic: Topic, language: str) -> Words:
    """Return our own words in that language."""
    with translation.override(language):
        return Words(str(topic.title), str(topic.body), str(topic.short))


def words_of(topic: Topic, language: str) -> Words:
    """Return the words that hold in the present tenant; one statement."""
    edited = Wording.objects.filter(topic=topic.name, language=language).first() if topic.editable else None
    return Words(edited.title, edited.body, edited.short) if edited else default_words(topic, language)


def filled(words: Words, topic: Topic, values: Mapping[str, object]) -> Words:
    """Return the words with their placeholders filled in, as plain text. Who shows it as HTML escapes it."""
    allowed = {name: _plain(values.get(name, "")) for name in topic.allowed}

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: allowed.get(found[1], found[0]), text)

    title = " ".join(fill(words.title).split())
    # An empty placeholder leaves no hole in the page.
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in fill(words.body).splitlines())).strip()
    return Words(title, body, " ".join(fill(words.short).split()) or title)


def check_words(topic: Topic, words: Words) -> Words:
    """Return the words, tidied; raises InvalidInput that names every fault with its line and column."""
    tidy = Words(words.title.strip(), words.body.replace("\r\n", "\n").replace("\r", "\n").strip(), words.short.strip())
    errors: list[FieldError] = []
    for name, text in tidy._asdict().items():
        if len(text) > LONGEST[name]:
            message = _("At most {most} characters; these are {count}.").format(most=LONGEST[name], count=len(text))
            errors.append(FieldError(name, "too_long", message))
        elif not text and name != "short":
            errors.append(FieldError(name, "required", _("This must not be empty.")))
        else:
            errors += _faults(topic, name, text)
    if errors:
        raise InvalidInput(errors=errors)
    return tidy


def _faults(topic: Topic, field: str, text: str) -> list[FieldError]:
    faults = []
    for number, line in enumerate(text.split("\n"), start=1):
        if number == 2 and field != "body":
            faults.append(FieldError(field, "one_line", _("This is one line.")))
        for column, character in enumerate(line, start=1):
            if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character != "\t":
                message = _("Line {line}, column {column}: a character that no text has.")
                faults.append(FieldError(field, "bad_character", message.format(line=number, column=column)))
                break
        for found in _PLACEHOLDER.finditer(line):
            if found[1] not in topic.allowed:
                message = _("Line {line}, column {column}: there is no placeholder {name} here. There are: {known}.")
                known = ", ".join(f"{{{name}}}" for name in topic.allowed)
                told = message.format(line=number, column=found.start() + 1, name=found[0][:60], known=known)
                faults.append(FieldError(field, "unknown_placeholder", told))
    return faults[:20]


def greeting(name: str) -> str:
    """Return how a text begins, in the language that is active."""
    return _("Hello {name},").format(name=_plain(name)[:80]) if name.strip() else _("Hello,")


def complete(values: Mapping[str, object], tenant: Tenant, name: str, url: str) -> dict[str, object]:
    """Return the values with those that every topic has, in the language that is active."""
    return {"greeting": greeting(name), "name": name, "site": tenant.name, "url": url, **values}


def _plain(value: object) -> str:
    """A value as text: no controls but line ends, nothing that turns the direction, not without end."""
    text = str(value)[:LONGEST_VALUE].replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " " for c in text
    )
