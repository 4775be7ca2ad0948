"""The operators' console over HTTP. To who is no operator there is nothing here: 404."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import ordered
from api.pagination import Cursor, Pages
from api.permissions import OPERATORS
from api.v1.operators import serializers
from api.views import APIView
from shared_apps.accounts import second_factor
from shared_apps.accounts.visits import current_session
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.operators import failed_work, impersonation, overview, services
from shared_apps.operators.models import Impersonation
from tenants.models import Tenant

_CHOICES: dict[str, Any] = {
    "status": Tenant.Status.values,
    "kind": Tenant.Kind.values,
    "state": list(overview.STATES),
}


def _named(slug: str) -> Tenant:
    return services.tenant_named(slug)


class TenantsView(APIView):
    """All tenants with how they do; `?search=` looks into names, addresses and owners' mail addresses."""

    permissions = {"get": OPERATORS}
    parameters = frozenset({"search", "plan", *_CHOICES})

    @extend_schema(
        operation_id="operators_tenants_list",
        parameters=[
            OpenApiParameter("search", str),
            OpenApiParameter("plan", str, description="A plan's slug."),
            *(OpenApiParameter(name, str, enum=values) for name, values in _CHOICES.items()),
            OpenApiParameter("ordering", str, description=", ".join(overview.ORDERING)),
        ],
        responses=serializers.OperatedTenantSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "")[:100] for name in ("search", "plan")}
        for name, values in _CHOICES.items():
            asked[name] = request.query_params.get(name, "")
            if asked[name] and asked[name] not in values:
                raise InvalidInput(errors=[FieldError(name, "invalid", ", ".join(values))])
        rows = ordered(request, overview.found(**asked), overview.ORDERING, default=overview.USUAL_ORDER)
        pages = Pages()
        page: Any = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response(serializers.OperatedTenantSerializer(page, many=True).data)


class SummaryView(APIView):
    """How many tenants there are, by standing and health, and what failed over all of them."""

    permissions = {"get": OPERATORS}
    parameters = frozenset[str]()

    @extend_schema(operation_id="operators_summary", responses=serializers.OperatorsSummarySerializer)
    def get(self, request: Request) -> Response:
        return Response(serializers.OperatorsSummarySerializer(overview.summary()).data)


class TenantView(APIView):
    """One tenant."""

    permissions = {"get": OPERATORS}
    parameters = frozenset[str]()

    @extend_schema(operation_id="operators_tenants_retrieve", responses=serializers.OperatedTenantSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(serializers.OperatedTenantSerializer(_named(slug)).data)


class SuspendView(APIView):
    """Stop a tenant in the platform's name, from the next request on. Twice is once."""

    permissions = {"post": OPERATORS}

    @extend_schema(
        operation_id="operators_suspend",
        request=serializers.SuspendReasonInput,
        responses=serializers.OperatedTenantSerializer,
    )
    def post(self, request: Request, slug: str) -> Response:
        wanted = serializers.SuspendReasonInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.suspend(_named(slug), operator=request.user, reason=wanted.validated_data["reason"])
        return Response(serializers.OperatedTenantSerializer(_named(slug)).data)


class ResumeView(APIView):
    """Take the platform's own suspension back; another cause stays."""

    permissions = {"post": OPERATORS}

    @extend_schema(operation_id="operators_resume", request=None, responses=serializers.OperatedTenantSerializer)
    def post(self, request: Request, slug: str) -> Response:
        services.resume(_named(slug), operator=request.user)
        return Response(serializers.OperatedTenantSerializer(_named(slug)).data)


class MeasureView(APIView):
    """Reckon a tenant's figures now instead of within ten minutes."""

    permissions = {"post": OPERATORS}

    @extend_schema(operation_id="operators_measure", request=None, responses=serializers.OperatedTenantSerializer)
    def post(self, request: Request, slug: str) -> Response:
        services.measure(_named(slug))
        return Response(serializers.OperatedTenantSerializer(_named(slug)).data)


class TenantVisitsView(APIView):
    """Visits to one tenant; a POST begins one and answers the address that leads there."""

    permissions = {"get": OPERATORS, "post": OPERATORS}
    parameters = frozenset[str]()

    @extend_schema(
        operation_id="operators_tenant_visits_list", responses=serializers.OperatorVisitSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        return _listed(self, request, impersonation.all_visits().filter(tenant=_named(slug)))

    @extend_schema(
        operation_id="operators_visits_begin",
        request=serializers.OperatorVisitInput,
        responses={201: serializers.OperatorVisitBegunSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        wanted = serializers.OperatorVisitInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        typed = wanted.validated_data
        session = current_session(request._request)
        assert session is not None  # a person was let in, by token or cookie
        second_factor.prove(session, otp=typed.get("otp", ""), fresh=True)
        row, url = impersonation.begin(
            operator=request.user, tenant=_named(slug), person_id=typed.get("person"), reason=typed["reason"],
            minutes=typed["minutes"], writes=typed["writes"],
        )  # fmt: skip
        (found,) = impersonation.with_people([row])
        found.url = url  # type: ignore[attr-defined]  # shown this once
        return Response(serializers.OperatorVisitBegunSerializer(found).data, status=201)


class VisitsView(APIView):
    """Visits over all tenants, newest first."""

    permissions = {"get": OPERATORS}
    parameters = frozenset[str]()

    @extend_schema(operation_id="operators_visits_list", responses=serializers.OperatorVisitSerializer(many=True))
    def get(self, request: Request) -> Response:
        return _listed(self, request, impersonation.all_visits())


class VisitView(APIView):
    """One visit; a DELETE ends it at once, whosever it is. Ending it twice changes nothing."""

    permissions = {"get": OPERATORS, "delete": OPERATORS}
    parameters = frozenset[str]()

    @extend_schema(operation_id="operators_visits_retrieve", responses=serializers.OperatorVisitSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        (found,) = impersonation.with_people([self._row(pk)])
        return Response(serializers.OperatorVisitSerializer(found).data)

    @extend_schema(operation_id="operators_visits_end", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        impersonation.end(self._row(pk), by=Impersonation.EndedBy.OPERATOR, actor=request.user)
        return Response(status=204)

    def _row(self, pk: UUID) -> Impersonation:
        row: Impersonation | None = impersonation.all_visits().filter(pk=pk).first()
        if row is None:
            raise NotFound
        return row


class FailedView(APIView):
    """What failed, over all tenants or in one (`?tenant=`)."""

    permissions = {"get": OPERATORS}
    parameters = frozenset({"tenant"})

    @extend_schema(
        operation_id="operators_failed_list",
        parameters=[OpenApiParameter("tenant", str, description="A tenant's slug.")],
        responses=serializers.FailuresSerializer,
    )
    def get(self, request: Request) -> Response:
        slug = request.query_params.get("tenant")
        tenant = _named(slug) if slug is not None else None
        left_out = failed_work.tenants_left_out() if tenant is None else 0
        answer = {"results": failed_work.failures(tenant), "tenants_left_out": left_out}
        return Response(serializers.FailuresSerializer(answer).data)


class RetryView(APIView):
    """Try what failed in one way in one tenant again. If nothing of it is left: 409 `nothing_to_retry`."""

    permissions = {"post": OPERATORS}

    @extend_schema(
        operation_id="operators_failed_retry",
        request=serializers.FailedWorkRetryInput,
        responses=serializers.FailedWorkRetriedSerializer,
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.FailedWorkRetryInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        typed = wanted.validated_data
        tenant = _named(typed["tenant"]) if typed.get("tenant") else None
        count = failed_work.retry(kind=typed["kind"], tenant=tenant, what=typed["what"], operator=request.user)
        return Response({"retried": count})


class VisitsHereView(APIView):
    """On a tenant's host: when operators of the platform were here, as whom and why."""

    permissions = {"get": ("manage_settings", "view_audit")}
    parameters = frozenset[str]()

    @extend_schema(operation_id="operator_visits_list", responses=serializers.OperatorVisitSerializer(many=True))
    def get(self, request: Request) -> Response:
        return _listed(self, request, impersonation.visits_here().select_related("tenant"))


class VisitHereView(APIView):
    """A DELETE shows the operator out at once. Twice is once."""

    permissions = {"delete": ("manage_settings", "view_audit")}

    @extend_schema(operation_id="operator_visits_end", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        impersonation.end(impersonation.visit_here(pk), by=Impersonation.EndedBy.OWNER, actor=request.user)
        return Response(status=204)


def _listed(view: APIView, request: Request, rows: Any) -> Response:
    pages = Cursor()
    page: Any = pages.paginate_queryset(rows, request, view=view) or []
    return pages.get_paginated_response(
        serializers.OperatorVisitSerializer(impersonation.with_people(page), many=True).data
    )
