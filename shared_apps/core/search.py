"""Full text search: one way of indexing and asking for whatever people look for, in Russian and in English.

Postgres' configuration `russian` stems words of Latin letters by English rules and all others by Russian ones, so
one vector serves both. It stands in a generated column: no trigger, and no write can forget it. Typos are found by
pg_trgm (`<%`): a word similarity of at least 0.5 by the connection's settings; on Citus' workers, which settings do not
reach, of 0.6, pg_trgm's own, so that fewer typos are found there.

    search = models.GeneratedField(expression=document(high=["name"], low=["description"]),
                                   output_field=SearchVectorField(), db_persist=True)
    letters = models.GeneratedField(expression=letters("name"), output_field=models.TextField(), db_persist=True)
    GinIndex(fields=["search"], name=...), GinIndex(fields=["letters"], opclasses=["gin_trgm_ops"], name=...)

    rows.filter(matching("suton estat", fuzzy="letters"))
"""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Func, Q, Value
from django.db.models.functions import Lower

CONFIG = "russian"
MOST_WORDS = 10
# Shorter words have so few trigrams that anything is like them.
SHORTEST_FUZZY = 4
# One Latin letter for each Cyrillic one. pg_trgm knows only the letters of the server's LC_CTYPE, and where that is C,
# as in the Postgres that we bring along, a Russian word would have no trigrams at all. Dropped: ъ and ь.
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщыэюяіїєґў"
_LATIN = "abvgdeejziiklmnoprstufhc4wwyeuqiiegu"
_SILENT = "ъь"
_FOLD = str.maketrans(_CYRILLIC, _LATIN, _SILENT)


def document(*, high: Sequence[str], low: Sequence[str] = ()) -> Any:
    """Return the expression of a generated `search` column; words of `high` fields weigh more in ranking."""
    vector = SearchVector(*high, config=CONFIG, weight="A")
    return vector + SearchVector(*low, config=CONFIG, weight="C") if low else vector


def letters(field: str) -> Any:
    """Return the expression of a generated column for typos: the field in small Latin letters."""
    return Func(Lower(field), Value(_CYRILLIC + _SILENT), Value(_LATIN), function="translate")


def folded_letters(text: str) -> str:
    """Return the text as a column of `letters` keeps it."""
    return text.lower().translate(_FOLD)


def words_of(text: str) -> list[str]:
    """Return the first ten words of what somebody typed, without anything that an operator could be made of."""
    return re.findall(r"\w+", text)[:MOST_WORDS]


def query(text: str) -> SearchQuery | None:
    """Return the question for the `search` column: each word, whatever its ending, or what begins with it."""
    words = words_of(text)
    if not words:
        return None
    return SearchQuery(" & ".join(f"'{word}':*" for word in words), search_type="raw", config=CONFIG)


def matching(text: str, *, fuzzy: str, column: str = "search") -> Q:
    """Return the condition for rows that have the words, or, written with a typo, something like each of them.

    `fuzzy` is the column of `letters` with the trigram index. No words match nothing.
    """
    asked = query(text)
    if asked is None:
        return Q(pk__in=())
    words = words_of(text)
    alike = Q()
    for word in words:
        alike &= Q(**{f"{fuzzy}__trigram_word_similar": folded_letters(word)})
    found = Q(**{column: asked})
    return found | alike if all(len(word) >= SHORTEST_FUZZY for word in words) else found
