"""Signing in by the word of an OpenID Connect provider, through allauth (I6, I7).

allauth keeps state and PKCE and fetches the tokens. Here: the identity token is always verified (signature, issuer,
audience, time, nonce), and what an identity may open is decided. A provider's word stands in for the password and for
nothing else: it never stands in for the second factor.
"""

import hashlib
import time
from datetime import timedelta
from typing import Any, NamedTuple

import jwt
import requests
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from shared_apps.accounts import discovery, letters, limits, links, services, trail
from shared_apps.accounts.errors import (
    AccountUnconfirmed,
    IdentityRefused,
    IdentityUnlinked,
    IdentityUnverified,
    OtpInvalid,
    ProviderDown,
    ProviderUnknown,
)
from shared_apps.accounts.models import Arrival, EmailCode, User, small_letters
from shared_apps.accounts.tokens import Pair
from shared_apps.accounts.visits import visit_of
from shared_apps.core.errors import DomainError
from shared_apps.core.schemas import present_schema

# Only keys that the provider alone holds; with HS256 or none, whoever knows the public key could write a token.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
OLDEST_SECONDS, CLOCKS_DIFFER_SECONDS = 600, 30


class Provider(NamedTuple):
    """What the login page shows."""

    id: str
    name: str


class Identity(NamedTuple):
    """Who somebody is by a provider's word. `verified`: it says that the address is theirs."""

    provider: str
    subject: str
    email: str
    verified: bool
    name: str


def providers() -> list[Provider]:
    """Return who people may sign in through here."""
    return [Provider(provider_id, name) for provider_id, name in links.names().items()]


def configured(provider_id: str) -> Provider:
    """Return the provider. Raises ProviderUnknown."""
    found = next((one for one in providers() if one.id == provider_id), None)
    if found is None:
        raise ProviderUnknown
    return found


class Adapter(OpenIDConnectOAuth2Adapter):
    """allauth's, with our address, and with the identity token always verified."""

    @property
    def openid_config(self) -> dict[str, Any]:
        settings_here = self.get_provider().app.settings
        overrides = settings_here.get("openid_configuration_overrides")
        return discovery.configuration(settings_here["server_url"], overrides, self._fetched_config)

    def _fetched_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        if str(config.get("issuer", "")).rstrip("/") != self.get_provider().app.settings["server_url"]:
            raise OAuth2Error("The provider calls itself by another name than the one that is configured.")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("account:social-callback", urlconf=settings.PUBLIC_SCHEMA_URLCONF, args=[self.provider_id])
        return str(import_string(f"{settings.TENANT_LINKS}.platform_url")(path))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        claims = verified(self, str(kwargs["response"].get("id_token") or ""))
        data: dict[str, Any] = {"id_token": claims}
        if "email" not in claims:
            info = self._fetch_user_info(token.token)
            if not isinstance(info, dict) or info.get("sub") != claims["sub"]:
                raise OAuth2Error("The provider's answers are about different people.")
            data["userinfo"] = info
        return self.get_provider().sociallogin_from_response(request, data)


def verified(adapter: Adapter, id_token: str) -> dict[str, Any]:
    """Return what an identity token says. Raises IdentityRefused, or ProviderDown if its keys cannot be had."""
    client_id = adapter.get_provider().app.client_id
    try:
        header = jwt.get_unverified_header(id_token)
        if header.get("alg") not in ALGORITHMS:
            raise IdentityRefused
        config = adapter.openid_config
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key=_key_of(config["jwks_uri"], header.get("kid")),
            algorithms=[header["alg"]],
            issuer=config["issuer"],
            audience=client_id,
            leeway=CLOCKS_DIFFER_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except requests.RequestException as error:
        raise ProviderDown from error
    except (jwt.PyJWTError, OAuth2Error, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IdentityRefused from error
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise IdentityRefused
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 191:
        raise IdentityRefused
    return claims


def _key_of(address: str, kid: Any) -> Any:
    """Return the provider's key that a token names. One that names none is allowed where there is only one key."""
    fitting = discovery.keys_named(address, kid)
    if len(fitting) != 1:
        raise IdentityRefused
    return fitting[0].key


def check_nonce(claims: dict[str, Any], nonce: str) -> None:
    """Raise IdentityRefused unless the token was made for this very question."""
    if not nonce or not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise IdentityRefused


def identity_of(provider_id: str, claims: dict[str, Any]) -> Identity:
    """Read who it is. An address that is none, or not said to be verified, counts for nothing."""
    email = small_letters(str(claims.get("email") or ""))
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    # OpenID Connect has a boolean; some providers write it as text.
    said = claims.get("email_verified")
    name = "".join(c if c.isprintable() else " " for c in str(claims.get("name") or ""))
    return Identity(
        provider=provider_id,
        subject=str(claims["sub"]),
        email=email if len(email) <= 254 else "",
        verified=bool(email) and (said is True or said == "true"),
        name=" ".join(name.split())[:150],
    )


def person_of(identity: Identity) -> User:
    """Return whose sign-in this is: the linked account, the account of the verified address, or a new one.

    An account of the address is linked only if the provider says that the address is verified and the account's own
    address is confirmed; else whoever made either of the two in another's name would get into it.
    """
    linked = _linked(identity)
    if linked is not None:
        return linked
    if not identity.verified:
        raise IdentityUnverified
    try:
        with transaction.atomic():
            return _link(identity)
    except IntegrityError:  # the same person in another tab, in the same moment
        linked = _linked(identity)
        if linked is None:
            raise IdentityRefused from None
        return linked


def _linked(identity: Identity) -> User | None:
    rows = SocialAccount.objects.select_related("user", "unlinking").filter(
        provider=identity.provider, uid=identity.subject
    )
    row = rows.first()
    if row is not None and not row.user.is_active:
        raise IdentityRefused
    if row is not None and links.is_unlinked(row):
        raise IdentityUnlinked
    return row.user if row is not None else None


def _link(identity: Identity) -> User:
    user = User.objects.by_email(identity.email)
    now = timezone.now()
    if user is None:
        user = User(email=identity.email, name=identity.name, language=get_language() or "", email_verified_at=now)
        user.set_unusable_password()
        user.save(force_insert=True)
        # Registrations of the address that wait for their code, with whatever password, are void.
        EmailCode.objects.filter(email=user.email, used_at__isnull=True).update(used_at=now, password="")
    elif not user.is_active:
        raise IdentityRefused
    elif not user.email_verified:
        raise AccountUnconfirmed
    else:
        about = configured(identity.provider).name
        letters.tell(user, EmailCode.Purpose.LINKED, schema_name=present_schema(), about=about)
    SocialAccount.objects.create(user=user, provider=identity.provider, uid=identity.subject, extra_data={})
    trail.note("social.linked", user.pk, provider=identity.provider)
    return user


# --- For programs: the identity token itself ------------------------------------------------------------------------


def sign_in_by_token(provider_id: str, id_token: str, nonce: str, *, request: HttpRequest, otp: str = "") -> Pair:
    """Open a session for the bearer of an identity token that was made for us, once and within ten minutes.

    A token that was asked for with a nonce is good only with that nonce.
    """
    visit = visit_of(request)
    counted = limits.count("login_source", limits.source(visit.address))
    digest, identity = digest_of(id_token), None
    try:
        claims = verified(Adapter(request, provider_id), id_token)
        if claims["iat"] < time.time() - OLDEST_SECONDS:
            raise IdentityRefused
        if "nonce" in claims or nonce:
            check_nonce(claims, nonce)
        if Arrival.objects.filter(digest=digest).exists():
            raise IdentityRefused
        limits.take_back(counted)
        identity = identity_of(provider_id, claims)
        user = person_of(identity)
    except DomainError as refusal:
        note_refused(provider_id, refusal, identity)
        raise
    try:
        with transaction.atomic():
            now = timezone.now()
            keep = now + timedelta(seconds=OLDEST_SECONDS + CLOCKS_DIFFER_SECONDS)
            Arrival.objects.create(digest=digest, user=user, host="", expires_at=keep, used_at=now)
            return services.sign_in_vouched(user, visit=visit_of(request, user.email), otp=otp)
    except OtpInvalid as refusal:
        # What was noted inside was rolled back with the use of the token.
        trail.note_refusal("sign_in.refused", user_id=user.pk, address=visit.address, code=refusal.code)
        raise
    except IntegrityError:
        raise IdentityRefused from None


def note_refused(provider_id: str, refusal: DomainError, identity: Identity | None = None) -> None:
    """Write down that a provider's word was not taken: at the account that it is linked with, where it is known."""
    linked = SocialAccount.objects.filter(provider=provider_id, uid=identity.subject) if identity is not None else None
    user_id = linked.values_list("user_id", flat=True).first() if linked is not None else None
    trail.note_refusal("sign_in.refused", user_id=user_id, code=refusal.code, provider=provider_id)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
