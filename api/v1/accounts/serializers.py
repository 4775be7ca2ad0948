"""Shapes of sign-in, as in api.md. Every field is named; what is not is not taken (I9)."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from api.fields import UtcField
from shared_apps.accounts import devices
from shared_apps.accounts.models import Session, User
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


class UserSerializer(serializers.ModelSerializer[User]):
    """A person as they see themselves."""

    language = serializers.ChoiceField(choices=settings.LANGUAGES, allow_blank=True, required=False)
    timezone = serializers.CharField(max_length=63, allow_blank=True, required=False)
    email_verified = serializers.BooleanField(read_only=True)
    avatar = serializers.SerializerMethodField()
    date_joined = UtcField(read_only=True)

    class Meta:
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


class RegistrationSerializer(_Pair):
    first, second = "password1", "password2"

    email = serializers.EmailField(max_length=254)
    password1 = _password()
    password2 = _password()
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")

    def validate_name(self, value: str) -> str:
        return _clean_name(value)


class VerifyEmailSerializer(serializers.Serializer[Any]):
    """The code with its address, or the key of the letter's link."""

    email = serializers.EmailField(max_length=254, required=False)
    code = serializers.CharField(max_length=20, required=False)
    key = serializers.CharField(max_length=100, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "key" in attrs:
            return attrs
        missing = {name: [_("This field is required.")] for name in ("email", "code") if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing, "required")
        return attrs


class EmailSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


class LoginSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = _password()
    otp = serializers.CharField(max_length=20, required=False, allow_blank=True, default="", write_only=True)


def _otp(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=20, write_only=True, **options)


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


class IdentitySerializer(serializers.Serializer[Any]):
    """An identity token of the provider, made for our client id, and the nonce that it was asked for with."""

    id_token = serializers.CharField(max_length=8192, write_only=True)
    nonce = serializers.CharField(max_length=255, required=False, allow_blank=True, default="", write_only=True)
    otp = _otp(required=False, allow_blank=True, default="")


class TokensSerializer(serializers.Serializer[Any]):
    """Not in cookie mode: then the tokens are in the cookies and `access` and `refresh` are left out."""

    access = serializers.CharField(read_only=True, required=False)
    refresh = serializers.CharField(read_only=True, required=False)
    user = UserSerializer(read_only=True)


class RefreshSerializer(serializers.Serializer[Any]):
    """Left out in cookie mode."""

    refresh = serializers.CharField(max_length=4096, required=False)


class VerifyTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=4096)


class PasswordChangeSerializer(_Pair):
    old_password = _password()
    new_password1 = _password()
    new_password2 = _password()


class ResetConfirmSerializer(_Pair):
    uid = serializers.CharField(max_length=40)
    token = serializers.CharField(max_length=200)
    new_password1 = _password()
    new_password2 = _password()


class DetailSerializer(serializers.Serializer[Any]):
    """A sentence that says what happened."""

    detail = serializers.CharField(read_only=True)
