"""What makes an account safer, over JSON: two-step login, a change of address, sessions, other services' word."""

from typing import Any, ClassVar
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from dj_rest_auth.registration import views as registration
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import CookieAuthentication
from api.pagination import Pages
from api.permissions import SIGNED_IN
from api.v1.accounts.serializers import (
    DetailSerializer,
    EmailChangeConfirmSerializer,
    EmailChangeSerializer,
    IdentitySerializer,
    LinkedSerializer,
    OtpSerializer,
    ProofSerializer,
    RecoveryCodesSerializer,
    SessionSerializer,
    TokensSerializer,
    TotpSerializer,
)
from api.v1.accounts.views import COOKIES, FormView, SignInView, me, said
from shared_apps.accounts import email_change, links, second_factor, social
from shared_apps.accounts.cookies import clear_cookies
from shared_apps.accounts.models import Session
from shared_apps.accounts.tokens import revoke
from shared_apps.accounts.visits import visit_of
from shared_apps.core.errors import InvalidInput, NotFound
from shared_apps.core.schemas import present_schema


def _session(request: Request) -> Session:
    """The session that asks. A person who came in otherwise, by a tenant's API key say, has none."""
    if not isinstance(request.auth, Session):
        raise InvalidInput(_("Sign in as a person for this."))
    return request.auth


class TotpView(FormView):
    """Begin to set up an authenticator app; nothing is on before `confirm/`. DELETE turns two-step login off."""

    serializer_class = ProofSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(request=None, responses=TotpSerializer)
    def post(self, request: Request) -> Response:
        made = second_factor.begin(_session(request))
        return Response({"secret": made.secret, "otpauth_url": made.url})

    @extend_schema(request=ProofSerializer, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Takes the password, or a code."""
        asked, session = self.valid(), _session(request)
        second_factor.prove(session, password=asked["password"], otp=asked["otp"])
        second_factor.turn_off(session.user, schema_name=present_schema())
        return Response(status=204)


class TotpConfirmView(FormView):
    """Turn two-step login on by the app's first code. Answers the recovery codes, this one time."""

    serializer_class = OtpSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(responses=RecoveryCodesSerializer)
    def post(self, request: Request) -> Response:
        codes = second_factor.confirm(_session(request), self.valid()["otp"], schema_name=present_schema())
        return Response({"recovery_codes": codes})


class RecoveryCodesView(FormView):
    """New recovery codes; those before are void. Takes the password or a code if the sign-in is not fresh."""

    serializer_class = ProofSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(responses=RecoveryCodesSerializer)
    def post(self, request: Request) -> Response:
        asked, session = self.valid(), _session(request)
        second_factor.prove(session, password=asked["password"], otp=asked["otp"], fresh=True)
        return Response({"recovery_codes": second_factor.new_codes(session.user, schema_name=present_schema())})


class EmailChangeView(FormView):
    """Ask for another address. The answer is the same for one that has an account already."""

    serializer_class = EmailChangeSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        asked, visit = self.valid(), visit_of(request._request)
        email_change.ask(me(request), asked["password"], asked["email"], session=_session(request), visit=visit)
        return said(_("We have sent a code to the new address. Enter it to use that address."))


class EmailChangeConfirmView(FormView):
    """Use the new address, by the code or the link's key."""

    serializer_class = EmailChangeConfirmSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN}

    @extend_schema(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        asked, visit = self.valid(), visit_of(request._request)
        if "key" in asked:
            email_change.confirm_by_key(asked["key"], visit=visit)
        else:
            email_change.confirm_by_code(me(request), asked["code"], visit=visit)
        return said(_("Your email address is changed."))


class SessionsView(FormView):
    """Where I am signed in, the last used first."""

    serializer_class = SessionSerializer
    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(responses=SessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        page = pages.paginate_queryset(Session.objects.running_of(me(request)), request, view=self)
        shown = SessionSerializer(page, many=True, context={"current": getattr(request.auth, "pk", None)})
        return pages.get_paginated_response(shown.data)


class SessionView(FormView):
    """End one of my sessions. Others' are not there (I2)."""

    serializer_class = None
    permissions: ClassVar[dict[str, Any]] = {"delete": SIGNED_IN}
    queryset = Session.objects.none()

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        if not revoke(id, me(request).pk):
            raise NotFound
        response = Response(status=204)
        own = isinstance(request.auth, Session) and request.auth.pk == id
        if own and isinstance(request.successful_authenticator, CookieAuthentication):
            clear_cookies(response)
        return response


class SocialView(SignInView, registration.SocialLoginView):
    """Sign in by an identity token of a provider that is configured here (OpenID Connect).

    For apps that speak with the provider themselves. A token signs in once, and asks for `otp` as a password does.
    """

    serializer_class = IdentitySerializer

    @extend_schema(parameters=[COOKIES], responses=TokensSerializer)
    def post(self, request: Request, provider: str) -> Response:
        social.configured(provider)
        return self.sign_in(request)


class LinkedView(FormView, registration.SocialAccountListView):
    """Other services through which I can sign in."""

    serializer_class = LinkedSerializer
    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()
    pagination_class = Pages

    def get_queryset(self) -> Any:
        return links.links_of(me(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        # The document of the API is made without a person, and without a database.
        asked = not getattr(self, "swagger_fake_view", False)
        return {**super().get_serializer_context(), "can_unlink": links.can_unlink(me(self.request)) if asked else ()}


class LinkedOneView(FormView, registration.SocialAccountDisconnectView):
    """One service: DELETE unlinks it, POST links again what was unlinked. Others' are not there (I2)."""

    serializer_class = ProofSerializer
    permissions: ClassVar[dict[str, Any]] = {"post": SIGNED_IN, "delete": SIGNED_IN}
    queryset = SocialAccount.objects.none()

    @extend_schema(request=ProofSerializer, responses={204: None})
    def post(self, request: Request, id: int) -> Response:
        """Takes the password, or a code, if the sign-in is not fresh."""
        asked, session = self.valid(), _session(request)
        second_factor.prove(session, password=asked["password"], otp=asked["otp"], fresh=True)
        links.link_again(session.user, id, schema_name=present_schema())
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, id: int) -> Response:
        """409 `last_sign_in` for the last way to sign in."""
        # The library's forgets the row: the next login there would link it again, by the address.
        links.unlink(_session(request).user, id, schema_name=present_schema())
        return Response(status=204)
