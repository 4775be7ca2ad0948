"""dj-rest-auth carries sign-in over JSON: each of its views is there once, as ours, and nothing of it beside ours."""

import pytest
from dj_rest_auth import views as library
from dj_rest_auth.app_settings import api_settings
from dj_rest_auth.registration import views as registration
from django.conf import settings
from django.urls import get_resolver

CARRIED = {
    "auth/login/": library.LoginView,
    "auth/logout/": library.LogoutView,
    "auth/user/": library.UserDetailsView,
    "auth/password/change/": library.PasswordChangeView,
    "auth/password/reset/": library.PasswordResetView,
    "auth/password/reset/confirm/": library.PasswordResetConfirmView,
    "auth/registration/": registration.RegisterView,
    "auth/registration/verify-email/": registration.VerifyEmailView,
    "auth/registration/resend-email/": registration.ResendEmailVerificationView,
    "auth/social/google/": registration.SocialLoginView,
    "auth/social-accounts/": registration.SocialAccountListView,
    "auth/social-accounts/1/": registration.SocialAccountDisconnectView,
}


@pytest.mark.parametrize("urlconf", [settings.PUBLIC_SCHEMA_URLCONF, settings.ROOT_URLCONF])
@pytest.mark.parametrize("path", CARRIED)
def test_the_library_s_view_answers(path, urlconf):
    view = get_resolver(urlconf).resolve(f"/api/v1/{path}").func.cls
    assert issubclass(view, CARRIED[path]) and view is not CARRIED[path]


@pytest.mark.parametrize("urlconf", [settings.PUBLIC_SCHEMA_URLCONF, settings.ROOT_URLCONF])
def test_none_of_the_library_s_own_routes_is_there(urlconf):
    names = {name for name in get_resolver(urlconf).reverse_dict if isinstance(name, str)}
    assert not [name for name in names if name.startswith(("rest_", "knox_", "socialaccount_", "account_"))]


def test_the_library_asks_our_serializers():
    ours = ("LOGIN", "JWT", "USER_DETAILS", "REGISTER", "PASSWORD_CHANGE", "PASSWORD_RESET", "PASSWORD_RESET_CONFIRM")
    for name in ours:
        assert getattr(api_settings, f"{name}_SERIALIZER").__module__ == "api.v1.accounts.serializers", name
    assert api_settings.TOKEN_MODEL is None and not api_settings.SESSION_LOGIN


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("path", ["auth/login/", "auth/logout/", "auth/registration/verify-email/"])
def test_no_method_of_the_library_s_is_open_that_we_did_not_declare(client_for, path, method):
    assert getattr(client_for(), method)(f"/api/v1/{path}").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("otp", [1, ["1"], {"a": 1}, "1" * 21, None])
def test_a_code_that_is_none_is_refused_before_the_password_is_looked_at(client_for, otp):
    body = {"email": "ada@example.test", "password": "whatever-it-is", "otp": otp}
    assert client_for().post("/api/v1/auth/login/", body, format="json").status_code in (400, 401)
