"""Who works here, over HTTP."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import modified_since
from api.pagination import Pages
from api.permissions import require, require_person
from api.scoping import EventScoped
from api.v1.staff.presentation import invitations_json
from api.v1.staff.serializers import (
    GrantInput,
    GrantSerializer,
    HandOverInput,
    InvitationSerializer,
    MemberInput,
    MemberSerializer,
    RoleChoiceInput,
)
from api.views import APIView
from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.events.grants import grants_by_person, revoke_all
from tenant_apps.events.joining import grant_or_invite
from tenant_apps.staff import services
from tenant_apps.staff.invitations import add_or_invite
from tenant_apps.staff.models import Invitation, Membership, Role
from tenant_apps.staff.permissions import permissions_on


def member_json(membership: Membership) -> dict[str, Any]:
    user = membership.user
    return {
        "id": membership.pk,
        "user": {"id": user.pk, "email": user.email, "name": user.name},
        "role": membership.role_id,
        "role_name": membership.role.name,
        "created_at": membership.created_at,
    }


def chosen_role(pk: int) -> Role:
    role = Role.objects.filter(pk=pk).first()
    if role is None:
        raise InvalidInput(errors=[FieldError("role", "does_not_exist", _("There is no such role."))])
    return role


class StaffView(APIView):
    """The staff of this tenant."""

    permissions = {"get": "manage_staff", "post": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="staff_list", responses=MemberSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        members = modified_since(request, Membership.objects.select_related("role", "user").order_by("pk"))
        page: list[Any] = pages.paginate_queryset(members, request, view=self) or []
        return pages.get_paginated_response([member_json(row) for row in page])

    @extend_schema(
        operation_id="staff_create",
        request=MemberInput,
        responses={201: MemberSerializer, 202: InvitationSerializer},
        description="Gives the role to who works here by a grant on an event (201); anybody else is invited (202).",
    )
    def post(self, request: Request) -> Response:
        wanted = MemberInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        role = chosen_role(wanted.validated_data["role"])
        made = add_or_invite(wanted.validated_data["email"], role, actor=request.user)
        if isinstance(made, Invitation):
            return Response(invitations_json([made])[0], status=202)
        return Response(member_json(made), status=201)


def member(pk: int) -> Membership:
    found: Membership | None = Membership.objects.select_related("role", "user").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


class MemberView(APIView):
    permissions = {"get": "manage_staff", "patch": "manage_staff", "delete": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="staff_retrieve", responses=MemberSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(member_json(member(pk)))

    @extend_schema(operation_id="staff_update", request=RoleChoiceInput, responses=MemberSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        found = member(pk)
        wanted = RoleChoiceInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.change_role(found, chosen_role(wanted.validated_data["role"]), actor=request.user)
        return Response(member_json(member(pk)))

    @extend_schema(operation_id="staff_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        services.remove_member(member(pk), actor=request.user)
        return Response(status=204)


class HandOverView(APIView):
    """Make a member an owner, and the one whom the platform turns to. Only an owner can, with their password."""

    permissions = {"post": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="staff_make_owner", request=HandOverInput, responses=MemberSerializer)
    def post(self, request: Request, pk: int) -> Response:
        found = member(pk)
        wanted = HandOverInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.hand_over(found, actor=require_person(request), **wanted.validated_data)
        return Response(member_json(member(pk)))


class _Grants(EventScoped, APIView):
    """Rights on one event. Only who manages staff may give them, and nobody more than they hold (I4).

    `manage_staff` is a right in the tenant, so it is asked of the role, after the event was found visible.
    """

    scope = "tenant"
    parameters = frozenset()

    def _admit(self, event: Any) -> None:
        if not permissions_on(self.request.user, event):
            raise NotFound
        require(self.request, ("manage_staff",))

    def grants(self) -> list[dict[str, Any]]:
        """Each person with what they hold on the event; two statements."""
        held = grants_by_person(self.event)
        people = User.objects.filter(pk__in=held).order_by("email")
        return [{"id": one.pk, "email": one.email, "name": one.name, "permissions": held[one.pk]} for one in people]


class GrantsView(_Grants):
    permissions = {"get": "manage_staff", "post": "manage_staff"}

    @extend_schema(operation_id="grants_list", responses=GrantSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        return pages.get_paginated_response(pages.paginate_queryset(self.grants(), request, view=self) or [])

    @extend_schema(
        operation_id="grants_create",
        request=GrantInput,
        responses={201: GrantSerializer, 202: InvitationSerializer},
        description="Gives the rights to who works here already (201); anybody else is invited (202).",
    )
    def post(self, request: Request, event: str) -> Response:
        wanted = GrantInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = grant_or_invite(
            wanted.validated_data["email"], self.event, wanted.validated_data["permissions"], actor=request.user
        )
        if isinstance(made, Invitation):
            return Response(invitations_json([made])[0], status=202)
        return Response(next(row for row in self.grants() if row["id"] == made.pk), status=201)


class GrantView(_Grants):
    """Everything that one person was granted on the event; `pk` is the person's."""

    permissions = {"delete": "manage_staff"}

    @extend_schema(operation_id="grants_delete", responses={204: None})
    def delete(self, request: Request, event: str, pk: int) -> Response:
        if pk not in grants_by_person(self.event):
            raise NotFound
        revoke_all(self.event, User.objects.get(pk=pk), actor=request.user)
        return Response(status=204)
