"""Opening, suspending and closing: complete or absent, whatever happens on the way (N5, N6)."""

import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from shared_apps.accounts.models import User
from shared_apps.core.errors import InvalidInput, WrongState
from tenant_apps.staff.models import Membership
from tenants import lookup, provisioning, rendering
from tenants.context import in_tenant
from tenants.errors import SlugInvalid, SlugReserved, SlugTaken
from tenants.models import Domain, RetiredSlug, Tenant
from tenants.provisioning import close, finish_opening, open_tenant, resume, suspend
from tenants.signals import tenant_provisioned


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create(email="founder@example.test", password="!")


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [name])
        return bool(cursor.fetchone()[0])


def test_a_new_tenant_is_open_with_host_schema_and_owner(owner: User) -> None:
    tenant = open_tenant(name="Big Hall", slug="big-hall", owner=owner, currency="JPY", timezone="Asia/Tokyo")
    assert (tenant.status, tenant.schema_name) == ("open", "t_big_hall")
    assert lookup.by_host("big-hall.localhost") == tenant
    with in_tenant(tenant):
        assert Membership.objects.filter(user_id=owner.pk).exists()


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "a",
        "ab",
        "-abc",
        "abc-",
        "a--b",
        "xn--abc",
        "ABC",
        "a_b",
        "a.b",
        "a b",
        "аурора",
        "a" * 80,
        "abc\n",
        "ab\0c",
        "٣٣٣",
    ],
)
def test_a_malformed_slug_is_refused(owner: User, slug: str) -> None:
    with pytest.raises(SlugInvalid):
        open_tenant(name="X", slug=slug, owner=owner)
    assert not Tenant.objects.filter(owner=owner).exists()


@pytest.mark.parametrize("slug", ["www", "api", "admin", "public", "static", "mail"])
def test_a_reserved_slug_is_refused_with_others_to_choose_from(owner: User, slug: str) -> None:
    with pytest.raises(SlugReserved) as refusal:
        open_tenant(name="X", slug=slug, owner=owner)
    assert refusal.value.suggestions
    for suggested in refusal.value.suggestions:
        provisioning.check_slug(suggested)


def test_a_taken_slug_is_refused_with_free_ones_to_choose_from(alpha: Any, owner: User) -> None:
    with pytest.raises(SlugTaken) as refusal:
        open_tenant(name="X", slug="alpha", owner=owner)
    assert refusal.value.status == 409
    assert "alpha" not in refusal.value.suggestions and refusal.value.suggestions


def test_a_slug_whose_host_leads_to_somebody_is_taken(alpha: Any, owner: User) -> None:
    Domain.objects.create(domain="gamma.localhost", tenant=alpha, is_primary=False)
    with pytest.raises(SlugTaken):
        open_tenant(name="X", slug="gamma", owner=owner)
    assert not Tenant.objects.filter(slug="gamma").exists()


def test_a_slug_that_was_somebodys_goes_to_nobody_else(alpha: Any, owner: User) -> None:
    close(alpha)
    Tenant.objects.filter(pk=alpha.pk).update(slug="alpha-erased")
    assert RetiredSlug.objects.filter(slug="alpha").exists()
    with pytest.raises(SlugTaken):
        open_tenant(name="X", slug="alpha", owner=owner)


def test_schema_names_are_made_by_the_server_and_never_collide(owner: User) -> None:
    long = "a" + "-bcdefghi" * 5
    first = open_tenant(name="X", slug=long[:41], owner=owner)
    second = open_tenant(name="X", slug=long[:42], owner=owner)
    assert first.schema_name != second.schema_name
    assert len(first.schema_name) <= 40 and len(second.schema_name) <= 40
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_left_over")
    assert open_tenant(name="X", slug="left-over", owner=owner).schema_name == "t_left_over_2"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "XXX"),
        ("timezone", "Mars/Olympus"),
        ("language", "tlh"),
        ("kind", "bakery"),
        ("colour", "red"),
        ("name", ""),
    ],
)
def test_what_is_not_valid_is_named_and_leaves_nothing(owner: User, field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        open_tenant(**{"name": "X", "slug": "newcomer", "owner": owner, field: value})
    assert [error.field for error in refusal.value.errors] == [field]
    assert not Tenant.objects.filter(slug="newcomer").exists()


@pytest.mark.parametrize("step", ["row", "schema", "fill", "open"])
def test_killed_at_any_step_the_next_call_ends_it(
    transactional_db: None, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = User.objects.create(email="founder@example.test", password="!")

    class Killed(BaseException):
        """As sudden as a SIGKILL: no handler of ours sees it, the connection goes with it."""

    def die(*args: Any, **kwargs: Any) -> Any:
        connection.connection.close()
        raise Killed

    with monkeypatch.context() as patched:
        if step == "row":
            patched.setattr(provisioning, "_finish", die)
        elif step == "schema":
            patched.setattr(rendering, "replay", die)
        elif step == "fill":
            patched.setattr(tenant_provisioned, "send", die)
        else:
            patched.setattr(provisioning.Domain.objects, "get_or_create", die)
        with pytest.raises(BaseException) as death:
            open_tenant(name="Phoenix", slug="phoenix", owner=owner)
        assert death.value is not None
    connections.close_all()
    assert Tenant.objects.get(slug="phoenix").status == "opening"
    assert schema_exists("t_phoenix") == (step == "open")
    out = StringIO()
    if step == "fill":
        call_command("finish_opening", stdout=out)
        assert "phoenix is open" in out.getvalue()
    else:
        open_tenant(name="Phoenix", slug="phoenix", owner=owner)
    tenant = Tenant.objects.get(slug="phoenix")
    assert tenant.status == "open" and lookup.by_host("phoenix.localhost") == tenant
    with in_tenant(tenant):
        assert Membership.objects.filter(user_id=owner.pk).count() == 1


def test_a_failing_receiver_leaves_nothing(transactional_db: None) -> None:
    owner = User.objects.create(email="founder@example.test", password="!")

    def refuse(**kwargs: Any) -> None:
        raise ZeroDivisionError

    tenant_provisioned.connect(refuse)
    try:
        with pytest.raises(ZeroDivisionError):
            open_tenant(name="X", slug="unlucky", owner=owner)
    finally:
        tenant_provisioned.disconnect(refuse)
    assert not Tenant.objects.filter(slug="unlucky").exists()
    assert not schema_exists("t_unlucky")
    assert open_tenant(name="X", slug="unlucky", owner=owner).status == "open"


def test_of_many_who_want_one_slug_at_once_one_gets_it(transactional_db: None) -> None:
    owners = [User.objects.create(email=f"founder{number}@example.test", password="!") for number in range(4)]
    start, answers = threading.Barrier(4), []

    def try_it(owner: User) -> None:
        start.wait()
        try:
            answers.append(open_tenant(name="X", slug="wanted", owner=owner).status)
        except SlugTaken as refusal:
            answers.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=try_it, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["open", "slug_taken", "slug_taken", "slug_taken"]


def test_suspending_twice_is_once_and_a_closed_tenant_stays_closed(alpha: Any) -> None:
    first = suspend(alpha).suspended_at
    assert suspend(alpha).suspended_at == first
    resume(alpha)
    assert alpha.suspended_at is None
    close(alpha)
    with pytest.raises(WrongState):
        resume(alpha)


def test_finishing_an_open_tenant_changes_nothing(alpha: Any) -> None:
    assert finish_opening(alpha).status == "open"


def test_the_command_opens_a_tenant_and_says_what_is_wrong_otherwise(owner: User) -> None:
    out = StringIO()
    call_command("create_tenant", "from-shell", name="From Shell", owner=owner.email.upper(), stdout=out)
    assert "http://from-shell.localhost/" in out.getvalue()
    for slug, arguments, said in (
        ("from-shell", {}, "taken"),
        ("www", {}, "reserved"),
        ("another", {"owner": "nobody@example.test"}, "Nobody has the address"),
        ("another", {"currency": "XXX"}, "currency"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("create_tenant", slug, **{"name": "X", "owner": owner.email, **arguments})


def test_no_transaction_waits_while_the_template_is_rendered(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine that takes longer than a transaction may idle, and the first sign-up would fail (P5)."""
    looks: list[bool] = []
    render = rendering.template

    def look() -> Any:
        looks.append(connection.in_atomic_block)
        return render()

    monkeypatch.setattr(rendering, "template", look)
    owner = User.objects.create(email="first@example.test", password="!")
    open_tenant(name="First", slug="first-of-all", owner=owner)
    assert looks[0] is False
