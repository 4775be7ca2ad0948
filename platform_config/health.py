"""Health on every host: /healthz says that the process lives, /readyz that it can serve (P5)."""

from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from tenants.context import in_public


class HealthMiddleware:
    """Answers before the tenant is looked up, so that probes need no known host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path == "/readyz":
            return self.ready()
        return self.get_response(request)

    def ready(self) -> HttpResponseBase:
        from tenants.schema_state import public_is_behind

        try:
            with in_public():
                behind = public_is_behind()
        except DatabaseError:
            return JsonResponse({"database": "unreachable"}, status=503)
        state = "behind" if behind else "applied"
        return JsonResponse({"database": "ok", "migrations": state}, status=503 if behind else 200)
