"""Nothing is open by default, and start-up says so (I1)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import include, path
from django.views import View
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView as PlainView

from api import checks
from api.permissions import ANYONE
from api.views import APIView, GenericViewSet
from shared_apps.core import access
from tenants.context import in_tenant
from tests.api.test_errors import problem
from tests.factories import make_event, make_user, owner_of


class Undeclared(APIView):
    def get(self, request: Any) -> Response:
        return Response({})


class HalfDeclared(GenericViewSet):
    permissions = {"list": ANYONE}

    def list(self, request: Any) -> Response:
        return Response([])

    def create(self, request: Any) -> Response:
        return Response({})


class Misspelt(APIView):
    permissions = {"get": "change_evnt"}

    def get(self, request: Any) -> Response:
        return Response({})


class Unchecked(APIView):
    permissions = {"get": ANYONE}
    permission_classes = [AllowAny]

    def get(self, request: Any) -> Response:
        return Response({})


class Foreign(PlainView):
    def get(self, request: Any) -> Response:
        return Response({})


def unmarked_page(request: Any) -> None:
    """Never called."""


class UnmarkedPage(View):
    pass


BAD = {
    "an API view without rules": path("api/x/", Undeclared.as_view()),
    "one without a rule for one action": path("api/x/", HalfDeclared.as_view({"get": "list", "post": "create"})),
    "one that names no permission": path("api/x/", Misspelt.as_view()),
    "one that does not check": path("api/x/", Unchecked.as_view()),
    "a view of a library": path("api/x/", Foreign.as_view()),
    "one deep inside": path("a/", include([path("b/", include([path("c/", Undeclared.as_view())]))])),
    "a page without a mark": path("x/", unmarked_page),
    "a page's class without a mark": path("x/", UnmarkedPage.as_view()),
}


@pytest.mark.parametrize("what", BAD)
def test_start_up_refuses(what: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"rule|permission"):
        checks.enforce([BAD[what]], on_platform=False)


def test_start_up_refuses_a_tenants_permission_on_the_platforms_host() -> None:
    from tests.api.routes import RuleView

    with pytest.raises(ImproperlyConfigured, match="platform's host"):
        checks.enforce([path("api/x/", RuleView.as_view())], on_platform=True)


def test_the_products_routes_are_all_declared() -> None:
    assert checks.every_route_is_declared() == []


def test_a_process_with_an_undeclared_route_does_not_start(tmp_path: Path) -> None:
    """The product itself, with one route more: neither the WSGI entry nor `check` gets past it."""
    (tmp_path / "leaky_urls.py").write_text(
        "from platform_config.urls_tenant import *\n"
        "from django.urls import path\nfrom tests.api.test_rules import Undeclared\n"
        "from api import checks\n"
        "urlpatterns = [*urlpatterns, path('api/v1/leak/', Undeclared.as_view())]\n"
    )
    (tmp_path / "leaky_settings.py").write_text(
        "from platform_config.settings.test import *\nROOT_URLCONF = 'leaky_urls'\n"
    )
    for start in (
        "import platform_config.wsgi",
        "import django; django.setup(); from django.core.management import call_command; call_command('check')",
    ):
        run = subprocess.run(
            [sys.executable, "-c", start],
            env={
                "PYTHONPATH": f"{tmp_path}:{Path.cwd()}",
                "DJANGO_SETTINGS_MODULE": "leaky_settings", "PATH": "/usr/bin:/bin",
            },
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert run.returncode != 0, start
        assert "/api/v1/leak/" in run.stderr


def test_the_table_of_routes_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    call_command("permissions")
    printed = capsys.readouterr().out
    assert "/api/v1/orders/" in printed
    assert "refund_orders" in printed


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_whoever_is_not_signed_in_is_asked_to(api: Any, method: str) -> None:
    response = getattr(api(), method)("/api/v1/rules/", {})
    problem(response, 401, "sign_in_required")
    assert response["WWW-Authenticate"]


def test_the_owner_may_and_a_stranger_may_not(api: Any, alpha: Any, beta: Any) -> None:
    stranger, owner, neighbour = make_user(), owner_of(alpha), owner_of(beta)
    assert api(stranger).get("/api/v1/rules/").status_code == 200
    assert api(owner).post("/api/v1/rules/", {}).status_code == 200
    assert api(owner).put("/api/v1/rules/", {}).status_code == 200
    for person in (stranger, neighbour):
        problem(api(person).post("/api/v1/rules/", {}), 403, "forbidden")
        problem(api(person).put("/api/v1/rules/", {}), 403, "forbidden")


def test_being_superuser_gives_nothing_in_a_tenant(api: Any) -> None:
    from shared_apps.accounts.models import User

    operator = make_user()
    User.objects.filter(pk=operator.pk).update(is_superuser=True, is_staff=True)
    problem(api(operator).post("/api/v1/rules/", {}), 403, "forbidden")


def test_a_staff_route_of_an_event_is_404_for_a_draft_and_403_for_what_everybody_sees(api: Any, alpha: Any) -> None:
    with in_tenant(alpha):
        draft, published = make_event(published=False), make_event()
    stranger, owner = make_user(), owner_of(alpha)
    for event in (draft, published):
        assert api(owner).post(f"/api/v1/events/{event.slug}/thing/", {}).json() == {"slug": event.slug}
        assert api(owner).post(f"/api/v1/events/{event.pk}/thing/", {}).json() == {"slug": event.slug}
    problem(api(stranger).post(f"/api/v1/events/{draft.slug}/thing/", {}), 404, "not_found")
    problem(api(stranger).post(f"/api/v1/events/{published.slug}/thing/", {}), 403, "forbidden")
    problem(api().post(f"/api/v1/events/{published.slug}/thing/", {}), 401, "sign_in_required")
    assert api().get(f"/api/v1/events/{published.slug}/thing/").status_code == 200
    problem(api().get(f"/api/v1/events/{draft.slug}/thing/"), 404, "not_found")
    problem(api(stranger).get(f"/api/v1/events/{draft.slug}/thing/"), 404, "not_found")


@pytest.mark.parametrize("named", ["0", "99999999999999999999", "9" * 300, "-1", "no-such-event", "%2e%2e", "'; DROP"])
def test_an_event_that_is_not_there_is_404(api: Any, named: str) -> None:
    problem(api().get(f"/api/v1/events/{named}/thing/"), 404, "not_found")


def test_a_grant_on_one_event_opens_that_event_only(api: Any, alpha: Any) -> None:
    from tenant_apps.events.grants import grant

    helper = make_user()
    with in_tenant(alpha):
        mine, other = make_event(published=False), make_event(published=False)
        grant(mine, helper, "change_event", actor=owner_of(alpha))
    assert api(helper).post(f"/api/v1/events/{mine.slug}/thing/", {}).status_code == 200
    problem(api(helper).post(f"/api/v1/events/{other.slug}/thing/", {}), 404, "not_found")


def test_pages_marked_for_staff_send_strangers_away(rf: Any, alpha: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    from shared_apps.core.errors import Forbidden

    view = access.staff("view_orders")(lambda request: "inside")
    request = rf.get("/dashboard/orders/?page=2")
    request.user = AnonymousUser()
    sent = view(request)
    assert sent.status_code == 302
    assert sent["Location"] == "/account/login/?next=/dashboard/orders/%3Fpage%3D2"
    with in_tenant(alpha):
        request.user = make_user()
        with pytest.raises(Forbidden):
            view(request)
        request.user = owner_of(alpha)
        assert view(request) == "inside"
