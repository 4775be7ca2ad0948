"""Compiles the translations: .po files are kept in the repository, the .mo files that Django reads are made."""

import os
from pathlib import Path

from django.conf import settings


def compile_translations(folders: list[Path] | None = None) -> int:
    """Compile every .po whose .mo is missing or older, whole or not at all; return how many were compiled."""
    compiled = 0
    for folder in folders if folders is not None else settings.LOCALE_PATHS:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
                continue
            import polib  # only here: a production image brings its .mo files along and has no polib

            unfinished = target.with_suffix(f".{os.getpid()}.part")
            polib.pofile(str(source)).save_as_mofile(str(unfinished))
            unfinished.replace(target)
            compiled += 1
    return compiled
