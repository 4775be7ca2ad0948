"""A stylesheet with a brace too few loses all that follows, and no browser says so."""

from pathlib import Path

import pytest

SHEETS = sorted((Path(__file__).parents[2] / "static" / "css").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_rule_is_closed_before_the_next_one_begins(sheet):
    depth = 0
    for number, line in enumerate(sheet.read_text().splitlines(), 1):
        # The sheets are indented by depth, so a rule that begins in the first column stands in none.
        assert depth == 0 or line[:1] in ("", " ", "}"), f"{sheet.name}:{number}: the rule before is not closed"
        depth += line.count("{") - line.count("}")
        assert depth >= 0, f"{sheet.name}:{number}"
    assert depth == 0 and SHEETS
