"""Russian is complete, and every sentence keeps the names that it is filled with."""

import re
from pathlib import Path

import polib

PO = Path(__file__).parents[2] / "locale" / "ru" / "LC_MESSAGES" / "django.po"
NAMES = re.compile(r"%\([\w.]+\)[sd]|%[sd]|\{\w+\}")


def test_every_sentence_is_translated():
    entries = [entry for entry in polib.pofile(str(PO)) if not entry.obsolete]
    assert len(entries) > 600
    missing = [entry.msgid for entry in entries if not entry.translated() or "fuzzy" in entry.flags]
    assert not missing


def test_every_translation_names_what_the_original_names():
    wrong = []
    for entry in polib.pofile(str(PO)):
        wanted = set(NAMES.findall(entry.msgid)) | set(NAMES.findall(entry.msgid_plural))
        for text in [entry.msgstr] if not entry.msgid_plural else entry.msgstr_plural.values():
            if set(NAMES.findall(text)) - wanted or (not entry.msgid_plural and set(NAMES.findall(text)) != wanted):
                wrong.append((entry.msgid, text))
    assert not wrong
