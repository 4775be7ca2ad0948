"""Who people may log in through is the deployment's word, and a wrong one ends in a sentence."""

import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from platform_config import env

ONE = {"id": "work", "name": "Work", "issuer": "https://id.example.test/", "client_id": "c", "client_secret": "s"}


def given(monkeypatch, *providers):
    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps(providers))


def test_nobody_unless_told(monkeypatch):
    for name in ("OIDC_PROVIDERS", "GOOGLE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    assert env.identity_providers() == []


def test_google_and_others(monkeypatch):
    given(monkeypatch, ONE)
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "g")
    monkeypatch.setenv("GOOGLE_CLIENT_SECRET", "gs")
    google, work = env.identity_providers()
    assert (google["provider_id"], google["settings"]) == ("google", {"server_url": "https://accounts.google.com"})
    assert (work["name"], work["settings"]) == ("Work", {"server_url": "https://id.example.test"})


@pytest.mark.parametrize(
    "wrong",
    [
        "no JSON",
        "{}1",
        "[1]",
        json.dumps([{"id": "x"}]),
        json.dumps([{**ONE, "id": "Not/An Id"}]),
        json.dumps([{**ONE, "issuer": "http://id.example.test"}]),
        json.dumps([ONE, ONE]),
    ],
)
def test_anything_else_is_refused_with_a_sentence(monkeypatch, wrong):
    monkeypatch.setenv("OIDC_PROVIDERS", wrong)
    with pytest.raises(ImproperlyConfigured, match="OIDC_PROVIDERS"):
        env.identity_providers()


def test_google_without_its_secret_is_refused(monkeypatch):
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "g")
    monkeypatch.delenv("GOOGLE_CLIENT_SECRET", raising=False)
    with pytest.raises(ImproperlyConfigured, match="GOOGLE_CLIENT_SECRET"):
        env.identity_providers()
