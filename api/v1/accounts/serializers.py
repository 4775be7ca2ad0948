"""Shapes of sign-in, as in api.md, on dj-rest-auth's classes. Every field is named; what is not is not taken (I9).

`settings.REST_AUTH` tells dj-rest-auth's views of these. Where one of its methods is replaced, a comment says what
that method would have told, or opened, or left open (docs/decisions/0007-accounts.md).
"""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from dj_rest_auth import serializers as rest_auth
from dj_rest_auth.registration import serializers as registration
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from api.fields import UtcField
from shared_apps.accounts import devices, links, services, social
from shared_apps.accounts.models import EmailCode, Session, User
from shared_apps.accounts.tokens import Pair
from shared_apps.accounts.visits import Visit, visit_of
from shared_apps.core.clock import validate_zone
from shared_apps.people.avatars import address_of

LONGEST_PASSWORD = 128


def _password(**options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True, style={"input_type": "password"}, **options
    )


def _clean_name(value: str) -> str:
    """A name is one line, whatever was sent (B8)."""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


class _Pair(serializers.Serializer[Any]):
    """A new password, typed twice."""

    first = "new_password1"
    second = "new_password2"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs[self.first] != attrs[self.second]:
            unlike = {self.second: [_("The two passwords are not the same.")]}
            raise serializers.ValidationError(unlike, "password_mismatch")
        return attrs


def _visit(serializer: serializers.Serializer[Any], email: str = "") -> Visit:
    return visit_of(serializer.context["request"]._request, email)


class UserSerializer(rest_auth.UserDetailsSerializer):
    """A person as they see themselves."""

    language = serializers.ChoiceField(choices=settings.LANGUAGES, allow_blank=True, required=False)
    timezone = serializers.CharField(max_length=63, allow_blank=True, required=False)
    email_verified = serializers.BooleanField(read_only=True)
    avatar = serializers.SerializerMethodField()
    date_joined = UtcField(read_only=True)

    class Meta(rest_auth.UserDetailsSerializer.Meta):
        model = User
        fields = ["id", "email", "name", "language", "timezone", "avatar", "email_verified", "date_joined"]
        read_only_fields = ["id", "email", "date_joined"]

    def get_avatar(self, user: User) -> str | None:
        return address_of(user)

    def validate_name(self, value: str) -> str:
        return _clean_name(value)

    def validate_timezone(self, value: str) -> str:
        if value:
            validate_zone(value)
        return value

    def update(self, instance: User, validated_data: dict[str, Any]) -> User:
        return services.update_profile(instance, **validated_data)


class RegistrationSerializer(_Pair, registration.RegisterSerializer):
    first, second = "password1", "password2"

    username = None
    email = serializers.EmailField(max_length=254)
    password1 = _password()
    password2 = _password()
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")

    def validate_name(self, value: str) -> str:
        return _clean_name(value)

    def validate_email(self, email: str) -> str:
        # The library's says "already registered" here.
        return email

    def validate_password1(self, password: str) -> str:
        # The library's knows neither address nor name, which a password must not be like; `register` does.
        return password

    def save(self, request: Request) -> EmailCode:  # type: ignore[override]  # as the library's view calls it
        # The library's makes a User at once: a known and an unknown address would take different paths, and a
        # stranger could occupy another's address.
        asked = self.validated_data
        return services.register(asked["email"], asked["password1"], asked["name"], visit=visit_of(request._request))


class VerifyEmailSerializer(registration.VerifyEmailSerializer):
    """The code with its address, or the key of the letter's link."""

    email = serializers.EmailField(max_length=254, required=False)
    code = serializers.CharField(max_length=20, required=False)
    key = serializers.CharField(max_length=100, required=False)

    def confirm(self, request: Request) -> User:
        """Make the account. The view calls it as it would a confirmation of allauth's, whose table is not used."""
        asked, visit = self.validated_data, visit_of(request._request)
        if asked["key"]:
            return services.confirm_by_key(asked["key"], visit=visit)
        return services.confirm_by_code(asked["email"], asked["code"], visit=visit)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "key" in attrs:
            return attrs
        attrs["key"] = ""
        missing = {name: [_("This field is required.")] for name in ("email", "code") if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing, "required")
        return attrs


class ResendEmailSerializer(registration.ResendEmailVerificationSerializer):
    email = serializers.EmailField(max_length=254)

    def save(self, **kwargs: Any) -> None:
        services.resend(self.validated_data["email"], visit=_visit(self))


class PasswordResetSerializer(rest_auth.PasswordResetSerializer):
    email = serializers.EmailField(max_length=254)

    def validate_email(self, email: str) -> str:
        # The library's builds a form that looks the address up; here nothing is looked up while somebody waits.
        return email

    def save(self, **kwargs: Any) -> None:
        # The library's sends the letter in the request, to known addresses only: time would tell which they are.
        services.ask_for_reset(self.validated_data["email"], visit=_visit(self))


def _otp(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=20, write_only=True, **options)


class LoginSerializer(rest_auth.LoginSerializer):
    username = None
    email = serializers.EmailField(max_length=254)
    password = _password()
    otp = _otp(required=False, allow_blank=True, default="")

    pair: Pair  # set by a sign-in that was right

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.typed_code: str = attrs["otp"]
        return dict(super().validate(attrs))

    def get_auth_user(self, username: str | None, email: str, password: str) -> User:
        # The library's goes by authenticate(), which asks for no second factor, counts no tries, looks up before it
        # hashes, and knows one refusal for all. This is one of the two doors at which sessions are opened.
        self.pair = services.sign_in(email, password, visit=_visit(self, email), otp=self.typed_code)
        return self.pair.session.user


class TotpSerializer(serializers.Serializer[Any]):
    """What an authenticator app needs: the secret in base 32, and the address that a QR code of it holds."""

    secret = serializers.CharField(read_only=True)
    otpauth_url = serializers.CharField(read_only=True)


class OtpSerializer(serializers.Serializer[Any]):
    otp = _otp()


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Each is good once. They are shown this one time."""

    recovery_codes = serializers.ListField(child=serializers.CharField(), read_only=True)


class ProofSerializer(serializers.Serializer[Any]):
    """The password, or a code."""

    password = _password(required=False, allow_blank=True, default="")
    otp = _otp(required=False, allow_blank=True, default="")


class EmailChangeSerializer(serializers.Serializer[Any]):
    """The new address and the present password."""

    email = serializers.EmailField(max_length=254)
    password = _password()


class EmailChangeConfirmSerializer(serializers.Serializer[Any]):
    """The code, or the key of the letter's link."""

    code = serializers.CharField(max_length=20, required=False)
    key = serializers.CharField(max_length=100, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"code": [_("This field is required.")]}, "required")
        return attrs


class SessionSerializer(serializers.ModelSerializer[Session]):
    """One device that is signed in. `device` says browser and system in words; `current` is the one that asks."""

    device = serializers.SerializerMethodField()
    current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ["id", "device", "address", "created_at", "used_at", "expires_at", "current"]
        read_only_fields = fields

    def get_device(self, session: Session) -> str:
        return devices.words(session.user_agent)

    def get_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["current"])


class LinkedSerializer(registration.SocialAccountSerializer):
    """Another service's account that is linked with mine. `can_unlink` is false for the last way to sign in.

    One with `unlinked` true signs nobody in until it is linked again.
    """

    name = serializers.SerializerMethodField()
    unlinked = serializers.SerializerMethodField()
    can_unlink = serializers.SerializerMethodField()
    created_at = UtcField(source="date_joined", read_only=True)

    class Meta(registration.SocialAccountSerializer.Meta):
        fields = ["id", "provider", "name", "unlinked", "can_unlink", "created_at"]
        read_only_fields = fields

    def get_name(self, row: SocialAccount) -> str:
        return links.name_of(row.provider)

    def get_unlinked(self, row: SocialAccount) -> bool:
        return links.is_unlinked(row)

    def get_can_unlink(self, row: SocialAccount) -> bool:
        return row.pk in self.context["can_unlink"]


class IdentitySerializer(registration.SocialLoginSerializer):
    """An identity token of the provider, made for our client id, and the nonce that it was asked for with."""

    # An access token says nothing about for whom it was made: another client's would open our accounts.
    access_token = None
    code = None
    id_token = serializers.CharField(max_length=8192, write_only=True)
    nonce = serializers.CharField(max_length=255, required=False, allow_blank=True, default="", write_only=True)
    otp = _otp(required=False, allow_blank=True, default="")

    pair: Pair  # set by a sign-in that was right

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # The library's links whatever allauth makes of the token, verified or not, and asks for no second factor.
        self.pair = social.sign_in_by_token(
            self.context["view"].kwargs["provider"],
            attrs["id_token"],
            attrs["nonce"],
            request=self.context["request"]._request,
            otp=attrs["otp"],
        )
        return {**attrs, "user": self.pair.session.user}


class TokensSerializer(rest_auth.JWTSerializer):
    """Not in cookie mode: then the tokens are in the cookies and `access` and `refresh` are left out."""

    access = serializers.CharField(read_only=True, required=False)
    refresh = serializers.CharField(read_only=True, required=False)
    user = UserSerializer(read_only=True)


class RefreshSerializer(serializers.Serializer[Any]):
    """Left out in cookie mode."""

    refresh = serializers.CharField(max_length=4096, required=False)


class VerifyTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=4096)


class PasswordChangeSerializer(_Pair, rest_auth.PasswordChangeSerializer):
    old_password = _password()
    new_password1 = _password()
    new_password2 = _password()

    pair: Pair  # for the device in hand, after `save`

    def validate_old_password(self, password: str) -> str:
        # The library's compares here and counts no tries; `save` does both, with one hash.
        return password

    def save(self, **kwargs: Any) -> None:
        # The library's writes the password without the row's lock and ends no session.
        request = self.context["request"]
        self.pair = services.change_password(
            request.user,
            self.validated_data["old_password"],
            self.validated_data["new_password1"],
            session=request.auth,
            visit=_visit(self),
        )


class ResetConfirmSerializer(_Pair, rest_auth.PasswordResetConfirmSerializer):
    uid = serializers.CharField(max_length=40)
    token = serializers.CharField(max_length=200)
    new_password1 = _password()
    new_password2 = _password()

    def save(self, **kwargs: Any) -> User:
        # The library's checks the link before it writes and holds no lock between: two could use it at once. It also
        # says whether the person exists.
        asked = self.validated_data
        return services.reset_password(asked["uid"], asked["token"], asked["new_password1"], visit=_visit(self))


class DetailSerializer(serializers.Serializer[Any]):
    """A sentence that says what happened."""

    detail = serializers.CharField(read_only=True)
