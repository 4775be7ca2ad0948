"""Invitations to the staff and to single events, over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import modified_since
from api.pagination import Pages
from api.permissions import SIGNED_IN, require_person
from api.v1.staff.events import event_called
from api.v1.staff.presentation import invitations_json, slugs_of
from api.v1.staff.serializers import AcceptedSerializer, AcceptInput, InvitationInput, InvitationSerializer
from api.v1.staff.views import chosen_role
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.events.joining import accept
from tenant_apps.staff import invitations
from tenant_apps.staff.models import Invitation


class InvitationsView(APIView):
    """Those that wait for an answer, newest first; inviting somebody to the staff or to one event."""

    permissions = {"get": "manage_staff", "post": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="staff_invitations_list", responses=InvitationSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        waiting = Invitation.objects.unanswered().select_related("role").order_by("-pk")
        page: list[Any] = pages.paginate_queryset(modified_since(request, waiting), request, view=self) or []
        return pages.get_paginated_response(invitations_json(page))

    @extend_schema(
        operation_id="staff_invitations_create", request=InvitationInput, responses={201: InvitationSerializer}
    )
    def post(self, request: Request) -> Response:
        wanted = InvitationInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = wanted.validated_data
        if "role" in fields:
            made = invitations.invite(fields["email"], chosen_role(fields["role"]), actor=request.user)
        else:
            event = event_called(request, fields["event"], field="event")
            made = invitations.invite_to_event(fields["email"], event, fields["permissions"], actor=request.user)
        return Response(invitations_json([made])[0], status=201)


def invitation(pk: int) -> Invitation:
    found: Invitation | None = Invitation.objects.select_related("role").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


class InvitationView(APIView):
    permissions = {"get": "manage_staff", "delete": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="staff_invitations_retrieve", responses=InvitationSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(invitations_json([invitation(pk)])[0])

    @extend_schema(operation_id="staff_invitations_revoke", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        invitations.revoke(invitation(pk), actor=request.user)
        return Response(status=204)


class ResendView(APIView):
    """Send a new letter; the link in the old one is void."""

    permissions = {"post": "manage_staff"}
    parameters = frozenset()

    @extend_schema(operation_id="staff_invitations_resend", request=None, responses=InvitationSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return Response(invitations_json([invitations.resend(invitation(pk), actor=request.user)])[0])


class AcceptView(APIView):
    """Accept an invitation, signed in with the address that it was sent to."""

    permissions = {"post": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="staff_invitations_accept", request=AcceptInput, responses=AcceptedSerializer)
    def post(self, request: Request) -> Response:
        wanted = AcceptInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        joined = accept(wanted.validated_data["token"], require_person(request))
        if joined.event_id is None:
            assert joined.role is not None
            given = sorted(joined.role.rights)
            return Response(
                {"role": joined.role_id, "role_name": joined.role.name, "event": None, "permissions": given}
            )
        slug = slugs_of({joined.event_id}).get(joined.event_id)
        return Response({"role": None, "role_name": None, "event": slug, "permissions": joined.permissions})
