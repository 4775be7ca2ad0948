"""A tenant of one's own, on the platform's host: for its owner only; others are told that there is none (N2)."""

from typing import Any

from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import SIGNED_IN
from api.v1.departures.serializers import CloseInput, StandingSerializer
from api.v1.signup.serializers import TenantSerializer
from api.v1.tenants.serializers import DomainInput, DomainSerializer, RenameInput
from api.views import APIView
from shared_apps.core.errors import NotFound
from shared_apps.departures import leaving
from shared_apps.signup.services import tenants_of
from tenant_apps.staff import site_address
from tenants.context import in_tenant
from tenants.errors import TenantNotReady, TenantSuspended
from tenants.models import Tenant


class OwnTenantView(APIView):
    """Finds the tenant that the address names among the caller's own."""

    parameters = frozenset()

    def tenant(self, *, to_change: bool = False) -> Tenant:
        """Return the tenant. Raises NotFound; to change something, TenantSuspended and TenantNotReady too (N6)."""
        slug = str(self.kwargs["slug"])
        found: Tenant | None = tenants_of(self.request.user).filter(slug=slug).first()
        if found is None:
            raise NotFound
        if to_change and found.status == Tenant.Status.OPENING:
            raise TenantNotReady
        if to_change and found.status != Tenant.Status.OPEN:
            raise TenantSuspended
        return found


@method_decorator(sensitive_post_parameters(), name="dispatch")
class TenantView(OwnTenantView):
    """One tenant. A PATCH with `slug` gives it another subdomain; the old one goes to nobody else."""

    permissions = {"get": SIGNED_IN, "patch": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="tenants_retrieve", responses=TenantSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(TenantSerializer(self.tenant()).data)

    @extend_schema(operation_id="tenants_update", request=RenameInput, responses=TenantSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        wanted = RenameInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with in_tenant(self.tenant(to_change=True)):
            site_address.rename(wanted.validated_data["slug"], actor=request.user)
        renamed = tenants_of(request.user).get(slug=wanted.validated_data["slug"].strip().lower())
        return Response(TenantSerializer(renamed).data)

    @extend_schema(operation_id="tenants_destroy", request=CloseInput, responses={202: StandingSerializer})
    def delete(self, request: Request, slug: str) -> Response:
        """Close the site: it stops serving at once, and after days of grace all of it is erased."""
        tenant = self.tenant()
        wanted = CloseInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        tenant = leaving.close(tenant, actor=request.user, **wanted.validated_data)
        return Response(StandingSerializer(tenant).data, status=202)


class DomainsView(OwnTenantView):
    """All hosts of a tenant: its subdomain, domains of its own with what has to stand in DNS, earlier subdomains."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}

    @extend_schema(operation_id="tenant_domains_list", responses=DomainSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        with in_tenant(_enterable(self.tenant())):
            return Response(DomainSerializer(site_address.addresses(), many=True).data)

    @extend_schema(operation_id="tenant_domains_create", request=DomainInput, responses={201: DomainSerializer})
    def post(self, request: Request, slug: str) -> Response:
        wanted = DomainInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with in_tenant(self.tenant(to_change=True)):
            claim = site_address.add_domain(wanted.validated_data["domain"], actor=request.user)
            return Response(_shown(claim.domain), status=201)


class DomainView(OwnTenantView):
    """One claimed domain. A DELETE gives it up: it leads nowhere from then on."""

    permissions = {"get": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="tenant_domains_retrieve", responses=DomainSerializer)
    def get(self, request: Request, slug: str, domain: str) -> Response:
        with in_tenant(_enterable(self.tenant())):
            return Response(_shown(domain))

    @extend_schema(operation_id="tenant_domains_destroy", request=None, responses={204: None})
    def delete(self, request: Request, slug: str, domain: str) -> Response:
        with in_tenant(self.tenant(to_change=True)):
            site_address.remove_domain(domain, actor=request.user)
        return Response(status=204)


class VerifyView(OwnTenantView):
    """Asks DNS about a claimed domain now; the answer says what it showed."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="tenant_domains_verify", request=None, responses=DomainSerializer)
    def post(self, request: Request, slug: str, domain: str) -> Response:
        with in_tenant(self.tenant(to_change=True)):
            site_address.check_domain(domain, actor=request.user)
            return Response(_shown(domain))


class PrimaryView(OwnTenantView):
    """Makes a host the one that links lead to: a proved domain, or the subdomain."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="tenant_domains_primary", request=None, responses=DomainSerializer(many=True))
    def post(self, request: Request, slug: str, domain: str) -> Response:
        with in_tenant(self.tenant(to_change=True)):
            site_address.make_primary(domain, actor=request.user)
            return Response(DomainSerializer(site_address.addresses(), many=True).data)


def _enterable(tenant: Tenant) -> Tenant:
    if tenant.status == Tenant.Status.OPENING:
        raise TenantNotReady
    return tenant


def _shown(domain: str) -> dict[str, Any]:
    return dict(DomainSerializer(site_address.address_of(domain)).data)
