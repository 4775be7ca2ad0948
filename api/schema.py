"""OpenAPI 3: what the views declare, with the problems that they all may answer and how one signs in."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from api.permissions import ANYONE, OPERATORS, OWN, SIGNED_IN, names_of, rule_of
from shared_apps.core.problems import CONTENT_TYPE


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Path of the field: `lines.0.quantity`; empty for the whole.")
    code = serializers.CharField(help_text="Never changes.")
    message = serializers.CharField(help_text="A sentence in the caller's language.")


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField(help_text="Where the code is described.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Never changes.")
    detail = serializers.CharField()
    errors = FieldProblemSerializer(many=True)  # type: ignore[assignment]  # DRF takes the field out again
    request_id = serializers.CharField()


_PROBLEMS = {
    400: "Something of what was sent is not valid.",
    401: "Sign-in is missing or no longer good.",
    403: "The caller sees this and may not do it.",
    404: "There is nothing here for this caller.",
    409: "It does not fit the present state.",
    415: "The type of the body is not taken here.",
    422: "The idempotency key was used for another request.",
    429: "Too many requests; see Retry-After.",
}


class Schema(AutoSchema):
    """AutoSchema that knows our rules, problems and idempotency keys."""

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.removeprefix("/api/v1/").split("/") if part and not part.startswith("{")]
        return [parts[0].replace("-", "_")] if parts else ["api"]

    def get_auth(self) -> list[dict[str, Any]]:
        schemes = [scheme for scheme in super().get_auth() if scheme]
        return [*schemes, {}] if rule_of(self.view, self.method) in (ANYONE, OWN, None) else schemes

    def get_description(self) -> str:  # type: ignore[override]  # spectacular says None where it gives text
        described = super().get_description() or ""
        rule = rule_of(self.view, self.method)
        if rule == OPERATORS:
            return f"{described}\n\nFor the platform's operators, with two-step login.".strip()
        if rule is None or rule in (ANYONE, SIGNED_IN, OWN):
            return str(described)
        needed = " or ".join(f"`{name}`" for name in names_of(rule))
        return f"{described}\n\nNeeds the permission {needed}.".strip()

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        idempotent = getattr(self._handler(), "idempotent", None)
        if idempotent:
            parameters.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    str,
                    OpenApiParameter.HEADER,
                    required=idempotent == "required",
                    description="A random text of your own; the same one when you repeat the request.",
                )
            )
        return parameters

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for status in self._problem_statuses():
            problem = OpenApiResponse(ProblemSerializer, _PROBLEMS[status])
            bodies.setdefault(
                str(status), self._get_response_for_code(problem, str(status), [CONTENT_TYPE], direction=direction)
            )
        return dict(sorted(bodies.items()))

    def _problem_statuses(self) -> list[int]:
        rule = rule_of(self.view, self.method)
        statuses = {400, 429}
        if rule != ANYONE:
            statuses.add(401)
        if rule not in (ANYONE, OWN, SIGNED_IN):
            statuses.add(403)
        if "{" in self.path:
            statuses.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            statuses |= {409, 415}
        if getattr(self._handler(), "idempotent", None):
            statuses.add(422)
        return sorted(statuses)

    def _handler(self) -> Any:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(self.view, name, None)


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.TokenAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        # OpenAPI has no word for a scheme of one's own; this is how its tools send the header as it must be.
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "An API key of the tenant: `Token foyer_...`",
        }


class CookieScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.CookieAuthentication"
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.ACCESS_COOKIE_NAME}


def permission_names() -> list[str]:
    """For settings: by which name the document calls the set of all permissions."""
    from tenant_apps.staff.presets import PERMISSIONS

    return sorted(PERMISSIONS)


def event_permission_names() -> list[str]:
    """For settings: by which name the document calls the permissions that can be granted on one event."""
    from tenant_apps.staff.presets import EVENT_PERMISSIONS

    return sorted(EVENT_PERMISSIONS)


def of_version_one(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """For settings: `/api/...` leads to `/api/v1/...` and is not described twice."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
