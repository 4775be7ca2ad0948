"""A browser's way through a provider of identities and back."""

from urllib.parse import parse_qs, urlsplit

import requests
from django.conf import settings as django_settings

ACCESS = django_settings.ACCESS_COOKIE_NAME
CLIENT = "foyer-client"


def path_of(answer):
    parts = urlsplit(answer["Location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def asked_of(answer):
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def consent(answer, sub, **form):
    """What the person does at the provider; where it sends the browser."""
    told = requests.post(answer["Location"], data={"sub": sub, **form}, allow_redirects=False, timeout=5)
    return told.headers["Location"]


def walk(browser, platform, sub, query=""):
    """The whole way, each host with cookies of its own. Return the answer of the host where it began."""
    start = browser.get(f"/account/social/mock/{query}")
    assert urlsplit(start["Location"]).netloc == "localhost"
    away = platform.get(path_of(start))
    back = platform.get(urlsplit(consent(away, sub))._replace(scheme="", netloc="").geturl())
    return browser.get(path_of(back)) if "/return/" in back["Location"] else back


def id_token(provider, sub, *, client=CLIENT, nonce="n-1", scope="openid email profile", url=None):
    """Get a token as an app of ours would, speaking with the provider itself."""
    url = url or provider.url
    query = {
        "client_id": client,
        "redirect_uri": "http://localhost/app/",
        "response_type": "code",
        "scope": scope,
        "nonce": nonce,
    }
    told = requests.post(f"{url}/oauth2/authorize", params=query, data={"sub": sub}, allow_redirects=False, timeout=5)
    code = parse_qs(urlsplit(told.headers["Location"]).query)["code"][0]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": query["redirect_uri"]}
    body |= {"client_id": client, "client_secret": "s"}
    return requests.post(f"{url}/oauth2/token", data=body, timeout=5).json()["id_token"]


def bring(client, token, nonce="n-1", query="", **more):
    return client.post(f"/api/v1/auth/social/mock/{query}", {"id_token": token, "nonce": nonce, **more})
