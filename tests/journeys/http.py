"""A client that speaks real HTTP to the live server, naming the tenant by the Host header."""

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Caller:
    """Somebody on one host, with a bearer token if they signed in. Nothing is kept between calls but that."""

    def __init__(self, server: Any, tenant: Any = None):
        self._server, self._tenant = server, tenant
        self.token = ""

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request; header names are given with underscores. A body is sent as JSON."""
        connection = HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        sent = {"Host": self._server.host(self._tenant), **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def sign_in(self, email: str, password: str) -> None:
        answer = self("POST", "/api/v1/auth/login/", {"email": email, "password": password})
        assert answer.status == 200, answer.text
        self.token = answer.json["access"]
