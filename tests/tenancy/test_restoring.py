"""A tenant that is gone comes back from its backup: rows, files, row, hosts, people (P2, N6)."""

import json
import zipfile
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.people.footprints import kept_orders
from shared_apps.people.requests import ask_for_erasure, work
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import ProviderAccount
from tenant_apps.staff.models import Membership, Role
from tenant_apps.staff.services import add_member
from tenants import backup, provisioning, references, restoring
from tenants.context import in_tenant
from tenants.models import ConnectedAccount, Domain, DomainClaim, RetiredSlug, Tenant
from tests.factories import PASSWORD, make_event, make_order, make_ticket_type, make_user, owner_of
from tests.tenancy.test_backup import everything

POINTS = ["restore.begun", "restore.filled", "restore.exchanging", "restore.exchanged", "restore.done"]


class Killed(BaseException):
    """What kill -9 is to a process, for one test."""


@pytest.fixture
def full(transactional_db: None, alpha: Any, settings: Any, tmp_path: Path) -> Any:
    """alpha with an order, a member, a file, a linked account."""
    settings.MEDIA_ROOT = tmp_path / "media"
    with in_tenant(alpha):
        order = make_order(make_ticket_type(make_event("Gala")), email="guest@example.test", user=make_user())
        assert order.pk
        role = Role.objects.exclude(preset="owner").order_by("pk").first()
        add_member(make_user("door@example.test"), role, actor=owner_of(alpha))
        ProviderAccount.objects.create(
            provider="stripe", live=True, sealed=b"", public={"connected": True, "account": "acct_alpha"}
        )
    default_storage.save(f"{alpha.schema_name}/events/picture.jpg", ContentFile(b"not really a picture"))
    return alpha


@pytest.fixture
def archive(full: Any, tmp_path: Path) -> Path:
    backup.back_up(full, tmp_path / "alpha.zip")
    return tmp_path / "alpha.zip"


def lose(tenant: Any, *, row: bool) -> None:
    """What an erasure leaves: a closed row, or none."""
    provisioning.close(tenant)
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{tenant.schema_name}" CASCADE')
    for path in list(backup.media_of(tenant.schema_name)):
        default_storage.delete(f"{tenant.schema_name}/{path}")
    Domain.objects.filter(tenant=tenant).delete()
    ConnectedAccount.objects.filter(tenant=tenant).delete()
    kept_orders(tenant.pk).delete()
    if not row:
        Tenant.objects.filter(pk=tenant.pk).delete()
    else:
        Tenant.objects.filter(pk=tenant.pk).update(name="", owner=None, preferences={})


@pytest.mark.parametrize("row", [True, False], ids=["closed row", "no row"])
def test_a_tenant_that_was_erased_comes_back_whole(full: Any, archive: Path, beta: Any, client: Any, row: bool) -> None:
    Tenant.objects.filter(pk=full.pk).update(preferences={"hold_minutes": 77})
    backup.back_up(full, archive)
    before, neighbours = everything(full), everything(beta)
    owner = full.owner_id
    lose(full, row=row)
    assert client.get("/api/v1/events/", HTTP_HOST="alpha.localhost").status_code == 404
    said = StringIO()
    call_command("tenant_restore", "alpha", str(archive), stdout=said)
    assert "is open again" in said.getvalue()
    back = Tenant.objects.get(slug="alpha")
    assert (back.pk, back.schema_name, back.owner_id) == (full.pk, full.schema_name, owner)
    assert (back.status, back.name, back.preferences) == ("open", full.name, {"hold_minutes": 77})
    assert everything(back) == before
    assert everything(beta) == neighbours
    assert client.get("/api/v1/events/", HTTP_HOST="alpha.localhost").status_code == 200
    assert list(backup.media_of(back.schema_name)) == ["events/picture.jpg"]
    assert ConnectedAccount.objects.get(account="acct_alpha").tenant_id == back.pk
    assert not RetiredSlug.objects.filter(slug="alpha").exists()
    with in_tenant(back):
        assert Membership.objects.filter(user__email="door@example.test").exists()
        assert kept_orders(back.pk).count() == Order.objects.count() == 1


@pytest.mark.parametrize(
    ("point", "live"), [*((point, False) for point in POINTS), *((point, True) for point in POINTS[2:4])]
)
def test_a_restore_that_is_killed_leaves_what_was_and_ends_when_it_is_called_again(
    full: Any, archive: Path, monkeypatch: pytest.MonkeyPatch, point: str, live: bool
) -> None:
    before = everything(full)
    if live:
        with in_tenant(full):
            Membership.objects.filter(user__email="door@example.test").delete()
        between = everything(full)
    else:
        lose(full, row=False)

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "point", die)
        with pytest.raises(Killed):
            restoring.restore(archive, slug="alpha")
    exchanged = point in ("restore.exchanged", "restore.done")
    if live:
        assert everything(full) == (before if exchanged else between)
    elif point != "restore.done":
        # Absent for everybody: no row yet, or one that leads nowhere.
        assert not Tenant.objects.filter(slug="alpha").exclude(status="closed").exists()
        assert not Domain.objects.filter(domain="alpha.localhost").exists()
    restoring.restore(archive, slug="alpha")
    assert everything(Tenant.objects.get(slug="alpha")) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(restoring|replaced)_'")
        assert cursor.fetchall() == []


def test_whoever_was_erased_since_the_backup_is_erased_in_it_too(full: Any, archive: Path) -> None:
    with in_tenant(full):
        order = Order.objects.get()
        user = User.objects.get(pk=order.user_id)
        Order.objects.update(email=user.email, name="Ada Erased")
    backup.back_up(full, archive)
    request = ask_for_erasure(user, PASSWORD, session=None)
    while work(request.pk):
        pass
    restored = restoring.restore(archive, slug="alpha")
    assert any("erased again: 1" in note for note in restored.notes)
    with in_tenant(full):
        again = Order.objects.get()
        assert again.email.endswith("@erased.invalid")
        assert again.name == ""


def test_people_whose_accounts_are_gone_are_made_anew_or_found_by_address(full: Any, archive: Path) -> None:
    """As on another installation: numbers are others', and nobody gets another's place."""
    with in_tenant(full):
        member = Membership.objects.get(user__email="door@example.test")
        door, buyer = member.user_id, Order.objects.get().user_id
        buyer_email = User.objects.get(pk=buyer).email
    # The member's number belongs to a stranger now; the member has another account; the buyer has none.
    User.objects.filter(pk=door).update(email="stranger@example.test", date_joined=timezone.now())
    elsewhere = make_user("DOOR@example.test".lower())
    User.objects.filter(pk=buyer).delete()
    restored = restoring.restore(archive, slug="alpha")
    assert restored.people_made == 1
    with in_tenant(full):
        assert not Membership.objects.filter(user_id=door).exists()
        assert Membership.objects.filter(user=elsewhere).exists()
        made = User.objects.get(email=buyer_email)
        assert Order.objects.get().user_id == made.pk
    assert not made.has_usable_password() and not made.email_verified


def test_two_people_may_have_changed_numbers(full: Any) -> None:
    with in_tenant(full), connection.cursor() as cursor:
        owner, door = Membership.objects.order_by("pk").values_list("user_id", flat=True)[:2]
        columns = [each for each in references.columns_of_people() if each.table == "staff_membership"]
        references.renumber(cursor, columns, {"staff_membership": None}, {owner: door, door: owner})  # type: ignore[dict-item]  # only the names are asked for
        assert list(Membership.objects.order_by("pk").values_list("user_id", flat=True)[:2]) == [door, owner]


def test_what_is_taken_by_another_meanwhile_stays_theirs(full: Any, archive: Path, beta: Any) -> None:
    Domain.objects.create(domain="tickets.alpha.example", tenant=full, verified_at=timezone.now())
    backup.back_up(full, archive)
    lose(full, row=True)
    ConnectedAccount.objects.create(provider="stripe", account="acct_alpha", tenant=beta)
    restored = restoring.restore(archive, slug="alpha")
    said = "\n".join(restored.notes)
    assert "tickets.alpha.example has to be proved again" in said
    assert "acct_alpha at stripe is linked by another" in said
    assert not Domain.objects.filter(domain="tickets.alpha.example").exists()
    assert DomainClaim.objects.get(domain="tickets.alpha.example").tenant_id == full.pk


def test_a_backup_from_before_a_change_of_address_is_put_back_under_the_new_one(full: Any, archive: Path) -> None:
    before = everything(full)
    Tenant.objects.filter(pk=full.pk).update(slug="alpha-hall")
    with pytest.raises(backup.BackupError, match="not of beta"):
        restoring.restore(archive, slug="beta")
    restoring.restore(archive, slug="alpha-hall")
    assert everything(full) == before
    assert Tenant.objects.get(pk=full.pk).slug == "alpha-hall"


def test_files_of_later_go_and_damaged_ones_are_mended(full: Any, archive: Path) -> None:
    default_storage.save(f"{full.schema_name}/events/later.jpg", ContentFile(b"later"))
    name = f"{full.schema_name}/events/picture.jpg"
    default_storage.delete(name)
    default_storage.save(name, ContentFile(b"damaged"))
    restoring.restore(archive, slug="alpha")
    assert list(backup.media_of(full.schema_name)) == ["events/picture.jpg"]
    with default_storage.open(name) as file:
        assert file.read() == b"not really a picture"


@pytest.mark.parametrize("path", ["../t_beta/logos/x.webp", "/etc/x", "events/../../x", "a//b"])
def test_a_file_that_leads_out_of_the_tenants_folder_is_refused(full: Any, archive: Path, path: str) -> None:
    with zipfile.ZipFile(archive) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    manifest = json.loads(members["manifest.json"])
    kept = manifest["media"].pop("events/picture.jpg")
    manifest["media"][path] = kept
    members[f"media/{path}"] = members.pop("media/events/picture.jpg")
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(archive, "w") as changed:
        for name, content in members.items():
            changed.writestr(name, content)
    with pytest.raises(backup.BackupError, match="no path of a file of ours"):
        restoring.restore(archive, slug="alpha")


def test_a_suspended_tenant_stays_suspended(full: Any, archive: Path) -> None:
    provisioning.suspend(full)
    restoring.restore(archive, slug="alpha")
    assert Tenant.objects.get(pk=full.pk).status == "suspended"


def test_jobs_of_a_restored_tenant_are_due_at_once(full: Any, archive: Path) -> None:
    from tenants.models import DueJob

    far = timezone.now() + timedelta(days=1)
    DueJob.objects.update_or_create(tenant=full, job="tenants.look", defaults={"due_at": far})
    restoring.restore(archive, slug="alpha")
    assert DueJob.objects.get(tenant=full, job="tenants.look").due_at <= timezone.now()
