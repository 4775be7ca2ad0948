"""The collector's file that we hand out reads the lines that we write: its parser and labels, applied to real ones.

Fluent Bit itself is in none of the package registries that the tests use, so its rules are applied here by Python.
"""

import io
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
import yaml

from tenants.context import in_tenant

FILE = Path(__file__).resolve().parents[2] / "docs" / "logs" / "fluent-bit.yaml"
RULES = yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.fixture
def lines(alpha, client_for):
    """What web and code write: a request, a refusal of one, a warning with a traceback inside a tenant."""
    handler = next(
        each for each in logging.getLogger().handlers if isinstance(each.formatter, structlog.stdlib.ProcessorFormatter)
    )
    stream = io.StringIO()
    before = handler.setStream(stream)
    try:
        client_for(alpha).get("/api/v1/events/")
        client_for(alpha).get("/api/v1/staff/")
        with in_tenant(alpha):
            try:
                raise ValueError("two\nlines, ada@example.test")
            except ValueError:
                logging.getLogger("tests.shipping").warning("outbox_subscriber_failed", exc_info=True)
        logging.getLogger("tests.shipping").error("of %s", "the platform")
        yield stream.getvalue().splitlines()
    finally:
        handler.setStream(before)


def test_each_line_is_one_object_whose_time_the_parser_reads(lines):
    (parser,) = RULES["parsers"]
    assert parser["format"] == "json"
    # Fluent Bit's %L are the fractions of a second that Python calls %f.
    form = parser["time_format"].replace("%L", "%f")
    assert len(lines) >= 4
    for line in lines:
        event = json.loads(line)
        moment = datetime.strptime(event[parser["time_key"]], form).replace(tzinfo=UTC)
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 120
        assert not any("." in name for name in event)


def test_labels_are_fields_of_ours_with_few_values(lines):
    loki = next(each for each in RULES["pipeline"]["outputs"] if each["name"] == "loki")
    labels = [name.removeprefix("$") for name in loki["label_keys"].split(",")]
    events = [json.loads(line) for line in lines]
    for name in labels:
        assert any(name in event for event in events), name
    assert not set(labels) & {"request_id", "user_id", "task_id", "address", "event", "request"}
    assert {event.get("tenant") for event in events} == {"t_alpha", None}


def test_every_output_takes_what_the_input_reads():
    tags = {each["tag"] for each in RULES["pipeline"]["inputs"]}
    assert {each["match"] for each in RULES["pipeline"]["outputs"]} == tags
    assert {each["parser"] for each in RULES["pipeline"]["inputs"]} == {each["name"] for each in RULES["parsers"]}


def test_no_line_carries_an_address(lines):
    assert "ada@example.test" not in "\n".join(lines)
