"""Asking twice has one effect (O2)."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry, IdempotentRequest
from tenants.context import in_tenant
from tests.api.test_errors import problem
from tests.factories import make_user


def once(client: Any, key: str | None = "key-1", body: Any = None, path: str = "/api/v1/once/", **headers: str) -> Any:
    if key is not None:
        headers["Idempotency-Key"] = key
    return client.post(path, body or {}, headers=headers)


def effects(tenant: Any) -> int:
    with in_tenant(tenant):
        return AuditEntry.objects.filter(topic="t.once").count()


def test_the_same_key_and_body_give_the_first_answer_again(api: Any, alpha: Any) -> None:
    client = api(make_user())
    first = once(client, body={"a": 1, "b": [2]})
    again = once(client, body={"b": [2], "a": 1})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == "application/json"
    assert effects(alpha) == 1


def test_the_same_key_with_another_body_is_refused(api: Any, alpha: Any) -> None:
    client = api(make_user())
    once(client, body={"a": 1})
    for other in ({"a": 2}, {"a": "1"}, {"a": 1, "b": None}, {}):
        problem(once(client, body=other), 422, "idempotency_key_reused")
    assert effects(alpha) == 1


def test_the_key_is_asked_for(api: Any) -> None:
    problem(once(api(), key=None), 400, "idempotency_key_required")


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "x" * 256, "a\tb", "\x7f"])
def test_a_key_is_visible_ascii_of_limited_length(api: Any, key: str) -> None:
    response = api().post("/api/v1/once/", {}, HTTP_IDEMPOTENCY_KEY=key)
    problem(response, 400, "idempotency_key_invalid")


def test_the_older_header_is_taken_too(api: Any, alpha: Any) -> None:
    client = api(make_user())
    client.post("/api/v1/once/", {}, headers={"X-Idempotency-Key": "k"})
    assert once(client, key="k")["Idempotent-Replayed"] == "true"
    assert (
        client.post("/api/v1/once/", {}, headers={"X-Idempotency-Key": "k", "Idempotency-Key": "other"}).status_code
        == 400
    )
    assert effects(alpha) == 1


def test_two_people_may_use_the_same_key(api: Any, alpha: Any) -> None:
    once(api(make_user()))
    once(api(make_user()))
    once(api(), body={"email": "a@example.test"})
    once(api(), body={"email": "b@example.test"})
    assert effects(alpha) == 4


def test_a_guest_is_known_by_the_mail_address_in_the_body_whatever_the_network(api: Any, alpha: Any) -> None:
    first = once(api(), body={"email": "guest@example.test"})
    moved = api().post(
        "/api/v1/once/",
        {"email": "guest@example.test"},
        headers={"Idempotency-Key": "key-1"},
        REMOTE_ADDR="203.0.113.9",
    )
    assert moved.content == first.content
    assert effects(alpha) == 1


def test_two_tenants_do_not_share_keys(api: Any, alpha: Any, beta: Any) -> None:
    person = make_user()
    once(api(person))
    assert "Idempotent-Replayed" not in once(api(person, beta))
    assert (effects(alpha), effects(beta)) == (1, 1)


def test_the_older_path_is_the_same_endpoint(api: Any, alpha: Any) -> None:
    client = api(make_user())
    once(client)
    assert once(client, path="/api/once/")["Idempotent-Replayed"] == "true"
    assert effects(alpha) == 1


@pytest.mark.parametrize(("outcome", "status"), [("refuse", 400), ("refuse-by-answer", 409), ("fault", 500)])
def test_what_was_refused_leaves_nothing_and_may_be_tried_again(
    api: Any, alpha: Any, outcome: str, status: int
) -> None:
    client = api(make_user())
    assert once(client, body={"outcome": outcome}).status_code == status
    assert effects(alpha) == 0
    assert once(client, body={"outcome": "fine"}).status_code == 201
    assert effects(alpha) == 1


def test_without_a_required_key_the_method_just_runs(api: Any, alpha: Any) -> None:
    client = api(make_user())
    assert client.put("/api/v1/once/", {}).status_code == 200
    assert client.put("/api/v1/once/", {}).status_code == 200
    assert effects(alpha) == 2


def test_it_costs_one_insert_and_one_update(api: Any, alpha: Any) -> None:
    client = api(make_user())
    once(client, key="warm")
    with CaptureQueriesContext(connection) as queries:
        once(client, key="counted")
    about = [query["sql"] for query in queries if "activity_idempotent" in query["sql"]]
    assert [sql.split()[0] for sql in about] == ["INSERT", "UPDATE"]


def test_an_outside_call_runs_after_the_commit_and_its_answer_is_kept(
    api: Any, transactional_db: None, alpha: Any
) -> None:
    client = api(make_user())
    first = once(client, body={"outcome": "afterwards"})
    assert first.json()["in_transaction"] is False
    assert once(client, body={"outcome": "afterwards"}).content == first.content
    assert effects(alpha) == 1


def test_a_failing_outside_call_does_not_undo_or_repeat_the_effect(
    api: Any, transactional_db: None, alpha: Any
) -> None:
    client = api(make_user())
    assert once(client, body={"outcome": "afterwards-fault"}).status_code == 400
    again = once(client, body={"outcome": "afterwards-fault"})
    assert again.status_code == 201
    assert again["Idempotent-Replayed"] == "true"
    assert effects(alpha) == 1


def test_of_twenty_at_once_one_has_the_effect(api: Any, transactional_db: None, alpha: Any) -> None:
    person = make_user()
    clients = [api(person) for _number in range(20)]
    answers: list[Any] = []
    start = threading.Barrier(len(clients))

    def ask(client: Any) -> None:
        start.wait()
        try:
            answers.append(once(client))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert effects(alpha) == 1


def test_while_the_first_runs_the_second_is_told_to_come_back(api: Any, transactional_db: None, alpha: Any) -> None:
    person = make_user()
    once(api(person))  # to know the scope that the row has
    with in_tenant(alpha):
        scope = IdempotentRequest.objects.get().scope
    held, told = threading.Event(), threading.Event()

    def first() -> None:
        with in_tenant(alpha), transaction.atomic():
            IdempotentRequest.objects.create(scope=scope, key="slow", fingerprint="x")
            held.set()
            told.wait(20)
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(10)
    try:
        response = once(api(person), key="slow")
    finally:
        told.set()
        thread.join()
    problem(response, 409, "idempotency_in_progress")
    assert int(response["Retry-After"]) > 0


def test_a_connection_that_dies_half_way_leaves_the_key_free(api: Any, transactional_db: None, alpha: Any) -> None:
    person = make_user()
    once(api(person), key="known")
    with in_tenant(alpha):
        scope = IdempotentRequest.objects.get().scope

    def dies() -> None:
        with in_tenant(alpha):
            transaction.set_autocommit(False)
            IdempotentRequest.objects.create(scope=scope, key="dead", fingerprint="x")
            connection.connection.close()
        connections.close_all()

    thread = threading.Thread(target=dies)
    thread.start()
    thread.join()
    assert once(api(person), key="dead").status_code == 201


def test_answers_are_kept_for_a_day_and_then_forgotten(in_alpha: Any) -> None:
    from tenant_apps.activity.delivery import forget_old

    ages = {"new": timedelta(hours=23, minutes=59), "old": timedelta(days=8)}
    for key, age in ages.items():
        IdempotentRequest.objects.create(scope="s", key=key, fingerprint="x", started_at=timezone.now() - age)
    forget_old()
    assert list(IdempotentRequest.objects.values_list("key", flat=True)) == ["new"]
