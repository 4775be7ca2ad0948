"""The platform's own terms: asked for once an operator published some, and kept who agreed to which version."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from shared_apps.people import agreements
from shared_apps.people.agreements import AgreementRequired
from shared_apps.people.models import Agreement, PlatformText
from tests.factories import make_user

FORM = {"name": "Hall", "slug": "www", "kind": "organizer", "currency": "EUR", "timezone": "UTC", "language": "en"}


def test_who_agrees_is_kept_once_and_other_words_ask_again(db: None) -> None:
    user = make_user()
    agreements.agree(user, (), address=None)
    terms = agreements.publish("terms", "Terms of use", "Be kind.")
    with pytest.raises(AgreementRequired) as refused:
        agreements.agree(user, [10**9], address=None)
    assert [each.field for each in refused.value.errors] == [f"agree_{terms.pk}"]
    for _twice in range(2):
        agreements.agree(user, [terms.pk], address="192.0.2.1")
    agreements.agree(user, (), address=None)
    assert list(Agreement.objects.values_list("user_id", "text__version", "address")) == [(user.pk, 1, "192.0.2.1")]
    assert agreements.publish("terms", "Terms of use", "Be kind.").pk == terms.pk
    second = agreements.publish("terms", "Terms of use", "Be very kind.")
    assert (second.version, PlatformText.objects.get(pk=terms.pk).body) == (2, "Be kind.")
    with pytest.raises(AgreementRequired):
        agreements.agree(user, [terms.pk], address=None)


def test_the_api_refuses_before_anything_is_opened(db: None, client_for: Any) -> None:
    client = client_for(None, user := make_user())
    terms = agreements.publish("terms", "Terms of use", "Be kind.")
    asked = client.get("/api/v1/legal-texts/").json()
    assert [each["id"] for each in asked] == [terms.pk]
    refused = client.post("/api/v1/tenants/", {"name": "Hall", "slug": "the-hall"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "consent_required")
    # The next refusal is the slug's: what was agreed to is kept before anything is opened.
    taken = client.post("/api/v1/tenants/", {"name": "Hall", "slug": "www", "agreed": [terms.pk]}, format="json")
    assert taken.json()["code"] == "slug_reserved"
    assert Agreement.objects.get().user_id == user.pk


def test_the_page_has_a_box_that_has_to_be_ticked(db: None, page_for: Any) -> None:
    terms = agreements.publish("terms", "Terms of use", "Be kind.")
    page = page_for(None, user := make_user())
    assert f'name="agree_{terms.pk}"' in page.get("/signup/").content.decode()
    assert "Be kind." in page.get("/legal/terms/").content.decode()
    assert page.get("/legal/nothing/").status_code == 404
    assert page.post("/signup/", FORM).status_code == 400
    assert not Agreement.objects.exists()
    page.post("/signup/", {**FORM, f"agree_{terms.pk}": "on"})
    assert Agreement.objects.get().user_id == user.pk


def test_the_command_publishes(db: None, tmp_path: Any, capsys: Any) -> None:
    file = tmp_path / "terms.txt"
    file.write_text("Be kind.", encoding="utf-8")
    call_command("publish_text", "terms", str(file), title="Terms of use")
    assert agreements.asked()[0].version == 1
    with pytest.raises(CommandError):
        call_command("publish_text", "te rms", str(file), title="x")
