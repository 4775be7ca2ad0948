"""The text of a ticket: one spelling, signed, and worth nothing once a character of it is changed (T1)."""

import random

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from shared_apps.core import secrets
from tenant_apps.ticketing import codes
from tenant_apps.ticketing.keys import ensure_key, private_half
from tenant_apps.ticketing.models import EventKey
from tests.factories import make_event, make_paid_order, make_ticket_type


@pytest.fixture
def ticket(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=0))
    return order.lines.get().ticket


def test_a_code_fits_the_alphanumeric_mode_of_qr_and_carries_the_token(ticket):
    text = codes.code_text(ticket)
    assert text.startswith("FOYER1.")
    assert len(text) == codes.LENGTH == 143
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
    assert codes.parse(text) == ticket.token
    assert codes.verify(text)
    assert codes.code_text(ticket) == text


def test_a_code_says_nothing_guessable(ticket):
    text = codes.code_text(ticket)
    assert str(ticket.pk).replace("-", "").upper() not in text
    assert ticket.short_code not in text


def test_the_return_that_a_keyboard_scanner_types_does_no_harm(ticket):
    assert codes.parse(codes.code_text(ticket) + "\r\n") == ticket.token


@pytest.mark.parametrize(
    "garbage",
    [
        "", " ", "FOYER1.", "FOYER2." + "A" * 136, "FOYER1." + "A" * 135, "FOYER1." + "A" * 137, "foyer1." + "a" * 136,
        "FOYER1." + "1" * 136, "FOYER1." + "A" * 135 + "=", "\x00" * 143, "\ud800" * 143, "я" * 143, "A" * 5_000_000,
        None, 7, b"FOYER1.", [], {}, "https://example.test/ticket", "FOYER1." + "٣" * 136, "FOYER1." + "A" * 135 + "\n",
    ],
)  # fmt: skip
def test_garbage_is_no_code(garbage):
    assert codes.parse(garbage) is None


def test_no_random_or_mutated_text_verifies(ticket):
    text, chance = codes.code_text(ticket), random.Random(7)
    for _ in range(2_000):
        letters = list(text)
        for _change in range(chance.randint(1, 3)):
            place = chance.randrange(len(letters))
            letters[place] = chance.choice([c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" if c != letters[place]])
        mutated = "".join(letters)
        if mutated != text:
            code = codes.read(mutated)
            key = EventKey(public_key=ensure_key(ticket.event).public_key)
            assert code is None or not code.signed_by(key.public_key)


def test_the_private_key_lies_encrypted_and_survives_a_change_of_the_secret(in_alpha, settings):
    key = ensure_key(make_event())
    raw = private_half(key).private_bytes_raw()
    assert raw not in bytes(key.private_key)
    with override_settings(SECRET_KEY="another-" + "k" * 50, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert private_half(key).private_bytes_raw() == raw
    with (
        override_settings(SECRET_KEY="another-" + "k" * 50, SECRET_KEY_FALLBACKS=[]),
        pytest.raises(secrets.CannotDecrypt),
    ):
        private_half(key)


def test_a_secret_sealed_for_one_use_cannot_be_opened_for_another():
    sealed = secrets.encrypt(b"secret", "one")
    assert secrets.decrypt(sealed, "one") == b"secret"
    with pytest.raises(secrets.CannotDecrypt):
        secrets.decrypt(sealed, "two")


def test_an_event_has_one_key_however_often_it_is_asked_for(in_alpha):
    event = make_event()
    assert ensure_key(event).key_id == ensure_key(event).key_id
    assert EventKey.objects.filter(event=event).count() == 1


def test_the_codes_of_many_tickets_cost_one_statement(in_alpha):
    tickets = []
    for _ in range(2):
        order = make_paid_order(make_ticket_type(price_minor=0), quantity=3)
        tickets += [line.ticket for line in order.lines.select_related("ticket")]
    codes.code_texts(tickets)
    with CaptureQueriesContext(connection) as queries:
        texts = codes.code_texts(tickets)
    assert len(queries) == 1
    assert texts == {ticket.pk: codes.code_text(ticket) for ticket in tickets}
