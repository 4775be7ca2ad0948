"""The tenant's roles, over HTTP."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import modified_since
from api.pagination import Pages
from api.v1.staff.presentation import role_json
from api.v1.staff.serializers import RoleChange, RoleInput, RoleSerializer
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.staff import roles
from tenant_apps.staff.models import Role


class RolesView(APIView):
    """The roles that there are, and what each grants everywhere in the tenant."""

    permissions = {"get": "manage_staff", "post": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="roles_list", responses=RoleSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = modified_since(request, Role.objects.order_by("pk"))
        page: list[Any] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([role_json(row) for row in page])

    @extend_schema(operation_id="roles_create", request=RoleInput, responses={201: RoleSerializer})
    def post(self, request: Request) -> Response:
        wanted = RoleInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = wanted.validated_data
        permissions = fields.get("permissions")
        if permissions is None:
            permissions = _copied(fields.get("copy_of"))
        made = roles.make_role(name=fields["name"], permissions=permissions, actor=request.user)
        return Response(role_json(made), status=201, headers={"Location": f"/api/v1/roles/{made.pk}/"})


def _copied(pk: int | None) -> list[str]:
    if pk is None:
        return []
    role = Role.objects.filter(pk=pk).first()
    if role is None:
        raise InvalidInput(errors=[FieldError("copy_of", "does_not_exist", _("There is no such role."))])
    return sorted(role.rights)


class RoleView(APIView):
    permissions = {"get": "manage_staff", "patch": "manage_staff", "delete": "manage_staff"}
    parameters = frozenset()

    def role(self, pk: int) -> Role:
        found = Role.objects.filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    @extend_schema(operation_id="roles_retrieve", responses=RoleSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(role_json(self.role(pk)))

    @extend_schema(operation_id="roles_update", request=RoleChange, responses=RoleSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        found = self.role(pk)
        wanted = RoleChange(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        return Response(role_json(roles.change_role_itself(found, actor=request.user, **wanted.validated_data)))

    @extend_schema(operation_id="roles_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        roles.delete_role(self.role(pk), actor=request.user)
        return Response(status=204)
