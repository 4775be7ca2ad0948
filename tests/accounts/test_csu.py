"""manage.py csu."""

import pytest
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import User
from shared_apps.accounts.tokens import open_session
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in ("CSU_EMAIL", "CSU_EMAIL_FILE", "CSU_PASSWORD", "CSU_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


def run(monkeypatch, email, password):
    monkeypatch.setenv("CSU_EMAIL", email)
    monkeypatch.setenv("CSU_PASSWORD", password)
    call_command("csu")


def test_it_makes_the_operator_and_changes_nothing_the_second_time(monkeypatch, capsys):
    run(monkeypatch, "Root@example.test", "a-password-from-outside")
    user = User.objects.get(email="root@example.test")
    assert user.is_staff
    assert user.is_superuser
    assert user.email_verified
    run(monkeypatch, "root@example.test", "a-password-from-outside")
    again = User.objects.get(email="root@example.test")
    assert (again.password, again.token_version) == (user.password, user.token_version)
    assert "already" in capsys.readouterr().out


def test_a_new_password_ends_what_the_old_one_opened(monkeypatch):
    run(monkeypatch, "root@example.test", "a-password-from-outside")
    user = User.objects.get(email="root@example.test")
    session = open_session(user).session
    run(monkeypatch, "root@example.test", "another-password-outside")
    session.refresh_from_db()
    assert not session.running


def test_an_existing_person_becomes_operator(monkeypatch):
    user = make_user("root@example.test")
    run(monkeypatch, "root@example.test", "a-password-from-outside")
    user.refresh_from_db()
    assert user.is_superuser


def test_the_password_may_be_a_file(monkeypatch, tmp_path):
    (tmp_path / "password").write_text("a-password-from-a-file\n")
    monkeypatch.setenv("CSU_EMAIL", "root@example.test")
    monkeypatch.setenv("CSU_PASSWORD_FILE", str(tmp_path / "password"))
    call_command("csu")
    assert User.objects.get(email="root@example.test").check_password("a-password-from-a-file")


@pytest.mark.parametrize(
    ("email", "password", "says"),
    [
        ("root@example.test", "", "Set CSU_PASSWORD"),
        ("", "a-password-from-outside", "Set CSU_EMAIL"),
        ("no address", "a-password-from-outside", "no email address"),
        ("root@example.test", "short", "too short"),
        ("root@example.test", "password1234", "too common"),
    ],
)
def test_without_a_good_address_and_password_it_makes_nobody(monkeypatch, email, password, says):
    with pytest.raises(CommandError, match=says):
        run(monkeypatch, email, password)
    assert not User.objects.filter(is_superuser=True).exists()
