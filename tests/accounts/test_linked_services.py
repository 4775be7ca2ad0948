"""Services through which one logs in: listed, unlinked, and linked again by a proof."""

from types import SimpleNamespace

import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings

from shared_apps.accounts import trail
from shared_apps.accounts.models import Unlinking, User
from tests.accounts.helpers import code_of, letters_to
from tests.accounts.social import asked_of, bring, id_token, path_of, walk
from tests.factories import PASSWORD, make_user

ACCESS = django_settings.ACCESS_COOKIE_NAME
pytestmark = pytest.mark.django_db


LINKED = "/api/v1/auth/social-accounts/"


@pytest.fixture
def linked(page_for, client_for, provider):
    """Somebody with a password and a linked service: `.page` is logged in through it, `.client` by the API."""
    user = make_user("both@example.test")
    provider.knows("both-1", email="both@example.test", email_verified=True)
    page = page_for()
    walk(page, page, "both-1")
    client = client_for(user=user)
    return SimpleNamespace(user=user, page=page, client=client, row=SocialAccount.objects.get())


def age(user):
    """As if every sign-in of the person was an hour ago."""
    from datetime import timedelta

    from django.utils import timezone

    from shared_apps.accounts.models import Session

    Session.objects.filter(user=user).update(created_at=timezone.now() - timedelta(hours=1))


def test_a_linked_service_is_listed_and_unlinked_and_signs_nobody_in_then(linked, page_for, client_for, provider):
    (one,) = linked.client.get(LINKED).json()["results"]
    assert (one["provider"], one["name"], one["unlinked"], one["can_unlink"]) == ("mock", "Mock ID", False, True)
    assert set(one) == {"id", "provider", "name", "unlinked", "can_unlink", "created_at"}
    assert linked.client.delete(f"{LINKED}{one['id']}/").status_code == 204
    assert linked.client.delete(f"{LINKED}{one['id']}/").status_code == 204, "twice is once"
    told = [letter.subject for letter in letters_to(linked.user.email)]
    assert told.count("You can no longer log in through Mock ID") == 1
    noted = [entry.details for entry in trail.history_of(linked.user) if entry.topic == "social.unlinked"]
    assert noted == [{"provider": "mock"}]
    stranger = page_for()
    answer = walk(stranger, stranger, "both-1")
    assert asked_of(answer)["social"] == "identity_unlinked" and ACCESS not in stranger.cookies
    assert "unlinked from your account" in stranger.get(path_of(answer)).content.decode()
    refused = bring(client_for(), id_token(provider, "both-1", nonce="un"), "un")
    assert (refused.status_code, code_of(refused)) == (403, "identity_unlinked")
    assert SocialAccount.objects.count() == 1, "the verified address does not link it again"


def test_linking_again_takes_a_proof_and_signs_in_again(linked, page_for):
    linked.client.delete(f"{LINKED}{linked.row.pk}/")
    age(linked.user)
    assert code_of(linked.client.post(f"{LINKED}{linked.row.pk}/", {})) == "invalid"
    wrong = linked.client.post(f"{LINKED}{linked.row.pk}/", {"password": "not-the-password"})
    assert code_of(wrong) == "password_wrong"
    assert linked.client.post(f"{LINKED}{linked.row.pk}/", {"password": PASSWORD}).status_code == 204
    page = page_for()
    assert walk(page, page, "both-1")["Location"] == "/account/"


def test_the_last_way_to_sign_in_stays(page_for, client_for, provider):
    provider.knows("only-1", email="only@example.test", email_verified=True)
    page = page_for()
    walk(page, page, "only-1")
    user = User.objects.get(email="only@example.test")
    client, row = client_for(user=user), SocialAccount.objects.get()
    assert client.get(LINKED).json()["results"][0]["can_unlink"] is False
    refused = client.delete(f"{LINKED}{row.pk}/")
    assert (refused.status_code, code_of(refused)) == (409, "last_sign_in")
    assert page.post(f"/account/security/linked/{row.pk}/unlink/").status_code == 302
    assert "last way to log in" in page.get("/account/security/").content.decode()
    # A second one that is not offered here is no way to sign in; one that is offered is.
    second = SocialAccount.objects.create(user=user, provider="gone", uid="2", extra_data={})
    assert code_of(client.delete(f"{LINKED}{row.pk}/")) == "last_sign_in"
    SocialAccount.objects.filter(pk=second.pk).update(provider="mock")
    assert client.delete(f"{LINKED}{row.pk}/").status_code == 204
    assert code_of(client.delete(f"{LINKED}{second.pk}/")) == "last_sign_in"


def test_another_s_linked_service_is_not_there(linked, client_for, page_for):
    other = client_for(user=make_user("other@example.test"))
    assert other.get(LINKED).json()["results"] == []
    for answer in (other.delete(f"{LINKED}{linked.row.pk}/"), other.post(f"{LINKED}{linked.row.pk}/", {})):
        assert (answer.status_code, code_of(answer)) == (404, "not_found")
    assert not Unlinking.objects.exists()


def test_unlinking_and_linking_again_by_pages(linked):
    page = linked.page
    text = page.get("/account/security/").content.decode()
    assert "Other services" in text and "Mock ID" in text
    assert (
        "no longer logs you in"
        in page.post(f"/account/security/linked/{linked.row.pk}/unlink/", follow=True).content.decode()
    )
    path = f"/account/security/linked/{linked.row.pk}/link/"
    assert "Mock ID" in page.get(path).content.decode()
    assert page.post(path, {"password": "not-the-password"}).status_code == 400
    assert page.post(path, {"password": PASSWORD})["Location"] == "/account/security/"
    assert not Unlinking.objects.exists()
    assert page.get("/account/security/linked/999999/link/").status_code == 404
