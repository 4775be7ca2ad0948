"""Sign-in over JSON, on every host. Bearer mode answers with tokens; cookie mode sets cookies and shows none (I6)."""

from typing import Any, ClassVar, cast

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
    EmailSerializer,
    LoginSerializer,
    PasswordChangeSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    ResetConfirmSerializer,
    TokensSerializer,
    UserSerializer,
    VerifyEmailSerializer,
    VerifyTokenSerializer,
)
from api.views import GenericAPIView
from shared_apps.accounts import services
from shared_apps.accounts.cookies import access_cookie, clear_cookies, refresh_cookie, set_cookies
from shared_apps.accounts.errors import TokenRefused, TokenReused
from shared_apps.accounts.models import Session, User
from shared_apps.accounts.tokens import Pair, RefreshToken, end_everywhere, exchange, read, revoke, session_of
from shared_apps.accounts.visits import bearer_of, remember_device, visit_of
from shared_apps.core.errors import NotFound, SignInRequired

COOKIES = OpenApiParameter("cookies", bool, description="Set httpOnly cookies and show no token.")


@method_decorator(sensitive_post_parameters(), name="dispatch")
class FormView(GenericAPIView):
    """Takes one serializer's fields by POST."""

    # Older clients' names for the fields, taken where ours are not given (`api.v1.accounts.legacy`).
    renames: ClassVar[dict[str, tuple[str, ...]]] = {}

    def valid(self) -> dict[str, Any]:
        body = self.request.data
        if self.renames and isinstance(body, dict):
            renamed = {new: body[old] for old, names in self.renames.items() if old in body for new in names}
            body = {**renamed, **body}
        serializer: BaseSerializer[Any] = self.get_serializer(data=body)
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
    user = UserSerializer(pair.session.user).data
    if not cookies:
        return Response({"access": str(pair.access), "refresh": str(pair.refresh), "user": user})
    response = Response({"user": user})
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


class RegistrationView(OpenView):
    """Register. The answer is the same for an address that has an account; only its owner learns of it, by mail."""

    serializer_class = RegistrationSerializer

    @extend_schema(responses={201: DetailSerializer})
    def post(self, request: Request) -> Response:
        asked = self.valid()
        visit = visit_of(request._request)
        services.register(asked["email"], asked["password1"], asked["name"], visit=visit)
        return said(_("We have sent you a code. Enter it to confirm your email address."), 201)


class VerifyEmailView(OpenView):
    """Confirm an address by the code or the link's key."""

    serializer_class = VerifyEmailSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        asked, visit = self.valid(), visit_of(request._request)
        if "key" in asked:
            services.confirm_by_key(asked["key"], visit=visit)
        else:
            services.confirm_by_code(asked["email"], asked["code"], visit=visit)
        return said(_("Your email address is confirmed. You can log in now."))


class ResendEmailView(OpenView):
    """Send the code once more. The same answer for known and unknown addresses."""

    serializer_class = EmailSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        services.resend(self.valid()["email"], visit=visit_of(request._request))
        return said(_("If a registration waits for this address, a new code is on its way."))


class LoginView(OpenView):
    """Log in. With `?cookies=1` the tokens go into httpOnly cookies.

    Where two-step login is on, the right password alone answers 401 `otp_required`: send the same with `otp`, a code of
    the app or a recovery code.
    """

    serializer_class = LoginSerializer

    @extend_schema(parameters=[COOKIES], responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        asked = self.valid()
        cookies = wants_cookies(request)
        if cookies:
            # No token can be asked for before sign-in, but another site must not sign its visitors in here.
            enforce_origin(request._request)
        visit = visit_of(request._request, asked["email"])
        pair = services.sign_in(asked["email"], asked["password"], visit=visit, otp=asked["otp"])
        return signed_in(request, pair, cookies=cookies)


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
            request._request.sign_in_is_over = True  # type: ignore[attr-defined]
            raise


class TokenVerifyView(OpenView):
    """Say whether an access token, or a refresh token, is good now."""

    serializer_class = VerifyTokenSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        services.verify_token(self.valid()["token"])
        return said(_("This token is good."))


class LogoutView(OpenView):
    """End this session: the one that the refresh token in the body names, or the bearer token, or the cookies."""

    serializer_class = RefreshSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
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


class UserView(FormView):
    """Me: read, or change name, language and time zone."""

    serializer_class = UserSerializer
    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN, "patch": SIGNED_IN}

    def get(self, request: Request) -> Response:
        return Response(UserSerializer(me(request)).data)

    def patch(self, request: Request) -> Response:
        serializer = UserSerializer(me(request), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = services.update_profile(me(request), **serializer.validated_data)
        return Response(UserSerializer(user).data)


class PersonView(FormView):
    """One person by id: oneself. Everybody else is not there (I2)."""

    serializer_class = UserSerializer
    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN}
    queryset = User.objects.none()

    def get(self, request: Request, id: int) -> Response:
        if id != request.user.pk:
            raise NotFound
        return Response(UserSerializer(me(request)).data)


class PasswordChangeView(FormView):
    """Change the password. Every session and token ends; the answer carries a fresh pair for this device."""

    serializer_class = PasswordChangeSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        asked = self.valid()
        pair = services.change_password(
            me(request),
            asked["old_password"],
            asked["new_password1"],
            session=cast(Session | None, request.auth),
            visit=visit_of(request._request),
        )
        cookies = isinstance(request.successful_authenticator, CookieAuthentication)
        return with_tokens(request, pair, cookies=cookies)


class PasswordResetView(OpenView):
    """Ask for a link to set a new password. The same answer for known and unknown addresses."""

    serializer_class = EmailSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        services.ask_for_reset(self.valid()["email"], visit=visit_of(request._request))
        return said(_("If there is an account with this address, a link is on its way."))


class PasswordResetConfirmView(OpenView):
    """Set a new password by the link's `uid` and `token`. Every session ends."""

    serializer_class = ResetConfirmSerializer

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        asked = self.valid()
        visit = visit_of(request._request)
        services.reset_password(asked["uid"], asked["token"], asked["new_password1"], visit=visit)
        return said(_("Your new password is set. You can log in now."))
