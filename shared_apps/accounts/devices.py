"""A browser's user agent in words that its owner recognises."""

import re
from typing import Any

from django.utils.translation import gettext as _

# The first that fits: what passes itself off as another comes before it.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(e|A|iOS)?/")),
    ("Opera", re.compile(r"\b(OPR|Opera)/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Yandex Browser", re.compile(r"\bYaBrowser/")),
    ("Firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(Chrome|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bVersion/.*\bSafari/")),
    ("curl", re.compile(r"^curl/")),
    ("Python", re.compile(r"^(python-|Python-)", re.IGNORECASE)),
)
_SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b|\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)
_SMALL = frozenset({"iPhone", "iPad", "Android"})


def words(user_agent: str) -> str:
    """Return "Firefox on Windows", or what of it can be told."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown device")


def is_small(user_agent: str) -> bool:
    """Tell whether it is a phone or a tablet."""
    return _first(_SYSTEMS, user_agent) in _SMALL


def _first(kinds: Any, user_agent: str) -> str:
    return next((name for name, pattern in kinds if pattern.search(user_agent)), "")
