"""Where allauth asks us: secrets are encrypted as ours are, and providers come from the deployment's settings alone."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount import adapter as socialaccount
from django.http import HttpRequest

from shared_apps.core import secrets

PURPOSE = "accounts.second_factor"


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seals what an authenticator app and recovery codes are made from."""

    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text.encode(), PURPOSE).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(encrypted_text.encode("ascii"), PURPOSE).decode()


class ProvidersAdapter(socialaccount.DefaultSocialAccountAdapter):
    """Takes over where allauth has learnt who somebody is: it signs nobody in and makes no account by itself."""

    def list_apps(self, request: Any, provider: Any = None, client_id: Any = None) -> list[Any]:
        """Only the settings' (P4); allauth would also read a table that operators can write to."""
        found = socialaccount._build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        from shared_apps.accounts.views_social import arrived

        raise ImmediateHttpResponse(arrived(request, sociallogin))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **facts: Any) -> None:
        from shared_apps.accounts.views_social import refused

        state = (facts.get("extra_context") or {}).get("state")
        raise ImmediateHttpResponse(refused(request, state, facts.get("error"), facts.get("exception")))
