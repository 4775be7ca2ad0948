"""How often one may try, over all hosts (I8)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches
from django.db import connections

from shared_apps.core import limits
from tests.accounts.helpers import code_of, letters_to, login, register
from tests.factories import PASSWORD, make_user


@pytest.mark.django_db
def test_ten_wrong_tries_close_an_account_to_strangers_on_every_host_and_address(client_for, alpha, beta):
    user = make_user()
    clients = [client_for(), client_for(alpha), client_for(beta)]
    answers = [
        login(clients[n % 3], user.email.upper() if n % 2 else user.email, "wrong-password", REMOTE_ADDR=f"10.0.0.{n}")
        for n in range(12)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert code_of(answers[-1]) == "rate_limited"
    assert 0 < int(answers[-1]["Retry-After"]) <= 900
    assert login(clients[0], user.email, PASSWORD, REMOTE_ADDR="10.0.1.1").status_code == 429, "not even evaluated"


@pytest.mark.django_db
def test_an_unknown_address_is_limited_alike(client_for):
    client = client_for()
    assert [login(client, "no@example.test", "wrong-password").status_code for _ in range(11)] == [401] * 10 + [429]


@pytest.mark.django_db
def test_what_turned_out_right_is_not_counted(client_for):
    client, user = client_for(), make_user()
    assert {login(client, user.email).status_code for _ in range(15)} == {200}


@pytest.mark.django_db
def test_a_signed_in_owner_is_never_locked_out(client_for):
    user = make_user()
    own = login(client_for(), user.email).json()
    for _ in range(11):
        login(client_for(), user.email, "wrong-password")
    assert login(client_for(), user.email).status_code == 429
    bearer = f"Bearer {own['access']}"
    assert login(client_for(), user.email, HTTP_AUTHORIZATION=bearer).status_code == 200


@pytest.mark.django_db
def test_a_browser_that_was_signed_in_once_has_a_count_of_its_own(client_for, page_for):
    user = make_user()
    page = page_for()
    page.post("/account/login/", {"email": user.email, "password": PASSWORD})
    page.post("/account/logout/")
    for _ in range(11):
        login(client_for(), user.email, "wrong-password")
    answer = page.post("/account/login/", {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    other = make_user()
    for _ in range(11):
        login(client_for(), other.email, "wrong-password")
    assert page.post("/account/login/", {"email": other.email, "password": PASSWORD}).status_code == 429


@pytest.mark.django_db
def test_a_session_of_somebody_else_opens_nothing(client_for, page_for):
    victim, stranger = make_user(), make_user()
    for _ in range(10):
        login(client_for(), victim.email, "wrong-password")
    assert login(client_for(user=stranger), victim.email, PASSWORD).status_code == 429


@pytest.mark.django_db
def test_one_source_may_fail_a_hundred_times(client_for):
    client = client_for()
    codes = [
        login(client, f"no{n}@example.test", "wrong-password", REMOTE_ADDR="10.9.9.9").status_code for n in range(101)
    ]
    assert codes == [401] * 100 + [429]
    assert login(client, "no@example.test", "wrong-password", REMOTE_ADDR="10.9.9.8").status_code == 401


@pytest.mark.django_db
def test_a_forwarded_address_that_nobody_vouches_for_counts_for_nothing(client_for):
    client = client_for()
    codes = {
        login(client, f"no{n}@example.test", "wrong", HTTP_X_FORWARDED_FOR=f"1.2.3.{n}").status_code for n in range(101)
    }
    assert 429 in codes


@pytest.mark.django_db
@pytest.mark.parametrize("known", [True, False])
def test_five_letters_an_hour_go_to_one_address(client_for, alpha, known):
    email = make_user().email if known else "new@example.test"
    hosts = [client_for(), client_for(alpha)]
    assert [register(hosts[n % 2], email).status_code for n in range(6)] == [201] * 5 + [429]
    resets = [hosts[n % 2].post("/api/v1/auth/password/reset/", {"email": email}).status_code for n in range(6)]
    assert resets == [200] * 5 + [429]
    # Who registered, never confirmed, and now asks for a new password, gets the code once more.
    assert len(letters_to(email)) == 10


@pytest.mark.django_db
def test_the_login_page_obeys_the_same_limit_and_keeps_what_was_typed(page_for, client_for):
    user = make_user()
    for _ in range(10):
        login(client_for(), user.email, "wrong-password")
    answer = page_for().post("/account/login/", {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert user.email in answer.content.decode()


def test_of_parallel_wrong_tries_ten_are_evaluated(transactional_db, monkeypatch):
    from rest_framework.test import APIClient

    from shared_apps.accounts import services

    user = make_user()
    evaluated, real = [], services.check_credentials
    monkeypatch.setattr(services, "check_credentials", lambda *a: (evaluated.append(1), real(*a))[1])
    start = threading.Barrier(40)

    def one(number):
        try:
            start.wait(timeout=30)
            return login(
                APIClient(HTTP_HOST="localhost"), user.email, "wrong", REMOTE_ADDR=f"10.1.0.{number}"
            ).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(40) as pool:
        codes = sorted(pool.map(one, range(40)))
    assert codes == [401] * 10 + [429] * 30
    assert len(evaluated) == 10


@pytest.mark.django_db
def test_no_fifteen_minutes_hold_more_than_the_limit_and_places_come_back_one_by_one():
    import time

    assert [limits.hit("a", 2, 1).allowed for _ in range(3)] == [True, True, False]
    time.sleep(0.6)
    assert not limits.hit("a", 2, 1).allowed, "a refused try does not start anything anew"
    time.sleep(0.5)
    assert limits.hit("a", 2, 1).allowed


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [3, 600])
def test_a_limit_holds_without_a_cache_server(settings, monkeypatch, limit):
    monkeypatch.setattr(limits, "_server", lambda *a: None)
    monkeypatch.setattr(limits, "_here", limits._InThisProcess())
    decisions = [limits.hit("b", limit, 60) for _ in range(limit + 1)]
    assert [d.allowed for d in decisions] == [True] * limit + [False]
    assert 0 < decisions[-1].reset_after <= 60
    limits.take_back(decisions[0])
    assert limits.hit("b", limit, 60).allowed


@pytest.mark.django_db
def test_a_large_limit_costs_one_number_a_key():
    for _ in range(150):
        limits.hit("c", 600, 60)
    assert limits.hit("c", 600, 60).remaining == 600 - 151
    client = caches["global"]._cache.get_client(None)
    assert {client.type(key) for key in client.keys("*limit:*")} == {b"string"}


@pytest.mark.django_db
def test_the_key_does_not_show_whose_it_is(client_for):
    login(client_for(), "secret-person@example.test", "wrong-password")
    client = caches["global"]._cache.get_client(None)
    assert not any(b"secret-person" in key for key in client.keys("*"))


@pytest.mark.django_db
def test_a_known_and_an_unknown_address_cost_the_same_statements(client_for):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    known, asked = make_user("known@example.test"), {}
    login(client_for(), "warm@example.test", "wrong-password")
    for email in (known.email, "other@example.test"):
        for path, body in (
            ("login/", {"email": email, "password": "wrong-password"}),
            ("registration/", {"email": email, "password1": PASSWORD, "password2": PASSWORD}),
            ("password/reset/", {"email": email}),
        ):
            with CaptureQueriesContext(connection) as queries:
                client_for().post(f"/api/v1/auth/{path}", body)
            asked.setdefault(path, []).append([query["sql"].split(" ")[0] for query in queries])
    assert all(of_known == of_unknown and of_known for of_known, of_unknown in asked.values()), asked
