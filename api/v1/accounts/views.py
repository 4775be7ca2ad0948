"""Sign-in over JSON, on every host. Bearer mode answers with tokens; cookie mode sets cookies and shows none (I6).

Where dj-rest-auth has a view, ours is that view: it asks the serializer that `settings.REST_AUTH` names, and answers.
"""

from typing import Any, ClassVar, cast

from dj_rest_auth import views as rest_auth
from dj_rest_auth.app_settings import api_settings
from dj_rest_auth.registration import views as registration
from django.middleware.csrf import get_token, rotate_token
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.authentication import CookieAuthentication, enforce_csrf, enforce_origin
from api.permissions import ANYONE, SIGNED_IN
from api.v1.accounts.serializers import (
    DetailSerializer,
    RefreshSerializer,
    ResendEmailSerializer,
    TokensSerializer,
    UserSerializer,
    VerifyEmailSerializer,
    VerifyTokenSerializer,
)
from api.views import GenericAPIView
from shared_apps.accounts import services
from shared_apps.accounts.cookies import access_cookie, clear_cookies, refresh_cookie, set_cookies
from shared_apps.accounts.errors import TokenRefused, TokenReused
from shared_apps.accounts.models import EmailCode, User
from shared_apps.accounts.tokens import Pair, RefreshToken, end_everywhere, exchange, read, revoke, session_of
from shared_apps.accounts.visits import bearer_of, remember_device
from shared_apps.core.errors import NotFound, SignInRequired

COOKIES = OpenApiParameter("cookies", bool, description="Set httpOnly cookies and show no token.")


@method_decorator(sensitive_post_parameters(), name="dispatch")
class FormView(GenericAPIView):
    """Takes one serializer's fields by POST."""

    # Older clients' names for the fields, taken where ours are not given (`api.v1.accounts.legacy`).
    renames: ClassVar[dict[str, tuple[str, ...]]] = {}

    # The serializer of this request. dj-rest-auth's views throw it away, and with it what came of it.
    serializer: Any = None

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer[Any]:
        body = kwargs.get("data")
        if self.renames and isinstance(body, dict):
            renamed = {new: body[old] for old, names in self.renames.items() if old in body for new in names}
            kwargs["data"] = {**renamed, **body}
        self.serializer = super().get_serializer(*args, **kwargs)
        return cast(BaseSerializer[Any], self.serializer)

    def valid(self) -> dict[str, Any]:
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class OpenView(FormView):
    """For anyone, also with an old token in the request: it is not looked at."""

    permissions: ClassVar[dict[str, Any]] = {"post": ANYONE}
    authentication_classes = ()


def me(request: Request) -> User:
    return cast(User, request.user)


def said(sentence: str, status: int = 200) -> Response:
    return Response({"detail": sentence}, status=status)


def wants_cookies(request: Request) -> bool:
    return request.query_params.get("cookies", "").lower() in ("1", "true", "yes")


def with_tokens(request: Request, pair: Pair, *, cookies: bool) -> Response:
    shape: type[BaseSerializer[Any]] = api_settings.JWT_SERIALIZER
    if not cookies:
        return Response(shape({"access": pair.access, "refresh": pair.refresh, "user": pair.session.user}).data)
    response = Response(shape({"user": pair.session.user}).data)
    set_cookies(response, pair)
    get_token(request._request)
    return response


def signed_in(request: Request, pair: Pair, *, cookies: bool) -> Response:
    """The answer to a new sign-in."""
    if not cookies:
        return with_tokens(request, pair, cookies=False)
    rotate_token(request._request)
    response = with_tokens(request, pair, cookies=True)
    remember_device(request._request, response, pair.session.user)
    return response


class RegistrationView(OpenView, registration.RegisterView):
    """Register. The answer is the same for an address that has an account; only its owner learns of it, by mail."""

    @extend_schema(responses={201: DetailSerializer})
    def post(self, request: Request) -> Response:
        return cast(Response, super().post(request))

    def perform_create(self, serializer: Any) -> EmailCode:
        # The library's goes on to allauth's complete_signup, which signs in whoever registered.
        return cast(EmailCode, serializer.save(self.request))

    def get_response_data(self, user: EmailCode) -> dict[str, str]:
        return {"detail": _("We have sent you a code. Enter it to confirm your email address.")}


class VerifyEmailView(OpenView, registration.VerifyEmailView):
    """Confirm an address by the code or the link's key."""

    serializer_class = VerifyEmailSerializer
    http_method_names = ["post", "options"]
    allowed_methods = ["POST", "OPTIONS"]

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        super().post(request)
        return said(_("Your email address is confirmed. You can log in now."))

    def get_object(self, queryset: Any = None) -> VerifyEmailSerializer:
        # The library's finds a row of allauth's, which is good for days and knows no code. Ours confirms itself.
        return cast(VerifyEmailSerializer, self.serializer)


class ResendEmailView(OpenView, registration.ResendEmailVerificationView):
    """Send the code once more. The same answer for known and unknown addresses."""

    serializer_class = ResendEmailSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        return cast(Response, super().post(request))

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        # The library's looks the address up and sends the letter while the asker waits: time would tell who is known.
        self.valid()
        self.serializer.save()
        return said(_("If a registration waits for this address, a new code is on its way."))


class SignInView(OpenView):
    """What a login by a password and one by another service's word have in common; comes before the library's view."""

    cookies = False

    def sign_in(self, request: Request) -> Response:
        self.cookies = wants_cookies(request)
        if self.cookies:
            # No token can be asked for before sign-in, but another site must not sign its visitors in here.
            enforce_origin(request._request)
        return cast(Response, super().post(request))  # type: ignore[misc]  # of the library's view beside this one

    def login(self) -> None:
        # The library's would write tokens that name no session: nothing could end them before their time (I5).
        pair: Pair = self.serializer.pair
        self.user, self.access_token, self.refresh_token = pair.session.user, pair.access, pair.refresh

    def get_response(self) -> Response:
        # The library's sets its cookies always or never, as a setting says; which of them is the caller's choice here.
        return signed_in(self.request, self.serializer.pair, cookies=self.cookies)


class LoginView(SignInView, rest_auth.LoginView):
    """Log in. With `?cookies=1` the tokens go into httpOnly cookies.

    Where two-step login is on, the right password alone answers 401 `otp_required`: send the same with `otp`, a code of
    the app or a recovery code.
    """

    @extend_schema(parameters=[COOKIES], responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        return self.sign_in(request)


class TokenRefreshView(OpenView):
    """Exchange a refresh token, once: from the body, or in cookie mode from the cookie."""

    serializer_class = RefreshSerializer

    @extend_schema(responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        text = self.valid().get("refresh")
        if text is not None:
            return with_tokens(request, exchange(text), cookies=False)
        text = refresh_cookie(request._request)
        if not text:
            raise SignInRequired
        enforce_csrf(request._request)
        try:
            return with_tokens(request, exchange(text), cookies=True)
        except TokenReused:
            raise  # another tab has just renewed the cookies; taking them away would sign both out
        except TokenRefused:
            request._request.sign_in_is_over = True  # type: ignore[attr-defined]  # read by the middleware
            raise


class TokenVerifyView(OpenView):
    """Say whether an access token, or a refresh token, is good now."""

    serializer_class = VerifyTokenSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        services.verify_token(self.valid()["token"])
        return said(_("This token is good."))


class LogoutView(OpenView, rest_auth.LogoutView):
    """End this session: the one that the refresh token in the body names, or the bearer token, or the cookies."""

    serializer_class = RefreshSerializer
    http_method_names = ["post", "options"]  # the library's has a GET that a setting opens

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        return cast(Response, super().post(request))

    def logout(self, request: Request) -> Response:
        # The library's puts a refresh token on a blacklist; access tokens would live on. It asks cookies for no CSRF
        # token, so that any page could log its visitors out.
        text, bearer, http = self.valid().get("refresh"), bearer_of(request._request), request._request
        response = said(_("You are logged out."))
        if text is not None:
            _token, claims = read(RefreshToken, text)
            revoke(claims.session_id, claims.user_id)
        if bearer is not None:
            session = session_of(bearer) if text is None else None
            if session is not None:
                revoke(session.pk, session.user_id)
        elif refresh_cookie(http) or access_cookie(http):
            enforce_csrf(http)
            services.log_out_cookies(access_cookie(http), refresh_cookie(http))
            clear_cookies(response)
        elif text is None:
            raise SignInRequired
        return response


class LogoutAllView(FormView):
    """End every session of mine, on all devices and hosts, this one too."""

    serializer_class = None
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(request=None, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        end_everywhere(me(request))
        response = said(_("You are logged out everywhere."))
        if isinstance(request.successful_authenticator, CookieAuthentication):
            clear_cookies(response)
        return response


class UserView(FormView, rest_auth.UserDetailsView):
    """Me: read, or change name, language and time zone."""

    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN, "patch": SIGNED_IN}
    http_method_names = ["get", "patch", "head", "options"]  # the library's takes PUT too


class PersonView(FormView):
    """One person by id: oneself. Everybody else is not there (I2)."""

    serializer_class = UserSerializer
    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN}
    queryset = User.objects.none()

    def get(self, request: Request, id: int) -> Response:
        if id != request.user.pk:
            raise NotFound
        return Response(UserSerializer(me(request)).data)


class PasswordChangeView(FormView, rest_auth.PasswordChangeView):
    """Change the password. Every session and token ends; the answer carries a fresh pair for this device."""

    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        super().post(request)
        cookies = isinstance(request.successful_authenticator, CookieAuthentication)
        return with_tokens(request, self.serializer.pair, cookies=cookies)


class PasswordResetView(OpenView, rest_auth.PasswordResetView):
    """Ask for a link to set a new password. The same answer for known and unknown addresses."""

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        super().post(request)
        return said(_("If there is an account with this address, a link is on its way."))


class PasswordResetConfirmView(OpenView, rest_auth.PasswordResetConfirmView):
    """Set a new password by the link's `uid` and `token`. Every session ends."""

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        super().post(request)
        return said(_("Your new password is set. You can log in now."))
