"""Merging two ends of a file loses a brace easily, and whatever stands behind it then does nothing."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "static" / "css"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.css")), ids=lambda path: path.name)
def test_every_stylesheet_closes_what_it_opens(path):
    depth = 0
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), path.read_text(), flags=re.DOTALL)
    for number, line in enumerate(text.splitlines(), start=1):
        # A rule that begins at the margin stands inside no other.
        assert not (depth and line[:1].strip() and "{" in line), f"{path.name}:{number}: something above is still open"
        depth += line.count("{") - line.count("}")
    assert depth == 0
