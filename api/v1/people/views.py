"""A person's own: what they bought anywhere, their picture and wishes, their data and its end."""

import uuid
from typing import Any, ClassVar, cast

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Cursor, Pages
from api.parsers import StrictMultiPartParser
from api.permissions import ANYONE, SIGNED_IN
from api.v1.accounts.serializers import UserSerializer
from api.v1.people import mine
from api.v1.people.serializers import (
    AvatarInput,
    AvatarSerializer,
    ErasureSerializer,
    ExportSerializer,
    MyEventSerializer,
    MyOrderSerializer,
    MyTicketSerializer,
    PasswordInput,
    PhoneInput,
    PhoneSerializer,
    WishesInput,
    WishesSerializer,
)
from api.views import APIView
from shared_apps.accounts import services as accounts
from shared_apps.accounts.cookies import clear_cookies
from shared_apps.accounts.models import Session, User
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.people import avatars, footprints, phones, requests, wishes
from shared_apps.people.models import DataRequest
from tenants.context import in_public
from tenants.links import platform_url


def _me(request: Request) -> User:
    return cast(User, request.user)


class ByPlacing(Cursor):
    ordering = ("-placed_at", "-pk")


class MyOrdersView(APIView):
    """The caller's orders at every tenant, newest first."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_orders", responses=MyOrderSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = ByPlacing()
        with in_public():
            page = pages.paginate_queryset(footprints.orders_of(_me(request)), request, view=self)
        return pages.get_paginated_response(mine.orders(page or []))


class MyTicketsView(APIView):
    """The caller's tickets at every tenant, the latest event first."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_tickets", responses=MyTicketSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        with in_public():
            page = pages.paginate_queryset(footprints.tickets_of(_me(request)), request, view=self)
        return pages.get_paginated_response(mine.tickets(page or []))


class MyUpcomingEventsView(APIView):
    """Events ahead, at every tenant, at which the caller has places; the soonest first."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_upcoming_events", responses=MyEventSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        with in_public():
            page = pages.paginate_queryset(footprints.upcoming_events_of(_me(request)), request, view=self)
        return pages.get_paginated_response(mine.events(page or []))


class MyEventsView(APIView):
    """Events at which the caller has places, at every tenant: those ahead, the soonest first (`?when=upcoming`, the
    default), or those that are over, the latest first (`?when=past`)."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset({"when"})

    @extend_schema(
        operation_id="me_events",
        parameters=[OpenApiParameter("when", str, enum=["upcoming", "past"])],
        responses=MyEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        when = request.query_params.get("when", "upcoming")
        if when not in ("upcoming", "past"):
            raise InvalidInput(errors=[FieldError("when", "invalid_choice", "upcoming, past")])
        asked = footprints.upcoming_events_of if when == "upcoming" else footprints.past_events_of
        pages = Pages()
        with in_public():
            page = pages.paginate_queryset(asked(_me(request)), request, view=self)
        return pages.get_paginated_response(mine.events(page or []))


# --- The person ---------------------------------------------------------------------------------------------------


@method_decorator(sensitive_post_parameters(), name="dispatch")
class MeView(APIView):
    """Me: read, change, or end for good."""

    permissions = {"get": SIGNED_IN, "patch": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="me_retrieve", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(_me(request)).data)

    @extend_schema(operation_id="me_partial_update", request=UserSerializer, responses=UserSerializer)
    def patch(self, request: Request) -> Response:
        serializer = UserSerializer(_me(request), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = accounts.update_profile(_me(request), **serializer.validated_data)
        return Response(UserSerializer(user).data)

    @extend_schema(operation_id="me_destroy", request=PasswordInput, responses={202: ErasureSerializer})
    def delete(self, request: Request) -> Response:
        """Close the account at once; the person's data are replaced at every tenant in the background."""
        asked = PasswordInput(data=request.data)
        asked.is_valid(raise_exception=True)
        session = cast(Session | None, request.auth)
        with in_public():
            begun = requests.ask_for_erasure(_me(request), asked.validated_data["password"], session=session)
            response = Response(erasure_json(begun), status=202)
        clear_cookies(response)
        return response


class ErasureView(APIView):
    """How far an erasure is, for whoever has its secret address."""

    permissions = {"get": ANYONE}
    authentication_classes = ()

    @extend_schema(operation_id="me_erasure", responses=ErasureSerializer)
    def get(self, request: Request, secret: str) -> Response:
        with in_public():
            found = DataRequest.objects.filter(secret=secret, kind=DataRequest.Kind.ERASURE).first()
            if found is None:
                raise NotFound
            return Response(erasure_json(found))


class AvatarView(APIView):
    """The caller's picture: JPEG, PNG or WebP of at most 5 MB and 25 megapixels; kept as a square of 256 pixels."""

    permissions = {"put": SIGNED_IN, "delete": SIGNED_IN}
    parser_classes = [StrictMultiPartParser]

    @extend_schema(operation_id="me_avatar", request={"multipart/form-data": AvatarInput}, responses=AvatarSerializer)
    def put(self, request: Request) -> Response:
        asked = AvatarInput(data=request.data)
        asked.is_valid(raise_exception=True)
        avatars.set_avatar(_me(request), asked.validated_data["image"])
        return Response({"avatar": avatars.address_of(_me(request))})

    @extend_schema(operation_id="me_avatar_destroy", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        avatars.remove_avatar(_me(request).pk)
        return Response(status=204)


class PhoneView(APIView):
    """The number that the caller wants text messages at."""

    permissions = {"get": SIGNED_IN, "put": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="me_phone_retrieve", responses=PhoneSerializer)
    def get(self, request: Request) -> Response:
        return Response({"phone": phones.number_of(_me(request).pk) or None})

    @extend_schema(operation_id="me_phone_update", request=PhoneInput, responses=PhoneSerializer)
    def put(self, request: Request) -> Response:
        asked = PhoneInput(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response({"phone": phones.set_number(_me(request), asked.validated_data["phone"])})

    @extend_schema(operation_id="me_phone_destroy", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        phones.remove_number(_me(request))
        return Response(status=204)


class WishesView(APIView):
    """Which messages the caller wants, by topic and channel, for all tenants."""

    permissions = {"get": SIGNED_IN, "patch": SIGNED_IN}

    @extend_schema(operation_id="notification_preferences", responses=WishesSerializer)
    def get(self, request: Request) -> Response:
        return Response({"preferences": wishes.wishes_of(_me(request))})

    @extend_schema(operation_id="notification_preferences_update", request=WishesInput, responses=WishesSerializer)
    def patch(self, request: Request) -> Response:
        asked = WishesInput(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response({"preferences": wishes.change_wishes(_me(request), asked.validated_data["preferences"])})


# --- Exports ------------------------------------------------------------------------------------------------------


class ExportView(APIView):
    """Gather everything that is stored about the caller, at every tenant, in the background."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="me_export", request=None, responses={202: ExportSerializer})
    def post(self, request: Request) -> Response:
        with in_public():
            begun = requests.ask_for_export(_me(request))
            return Response(export_json(begun), status=202, headers={"Location": f"/api/v1/me/exports/{begun.pk}/"})


class ExportsView(APIView):
    """The caller's exports, newest first."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_exports", responses=ExportSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        with in_public():
            page = pages.paginate_queryset(requests.exports_of(_me(request)), request, view=self)
            return pages.get_paginated_response([export_json(each) for each in page or []])


class ExportStateView(APIView):
    """How far an export is."""

    permissions = {"get": SIGNED_IN}

    @extend_schema(operation_id="me_exports_retrieve", responses=ExportSerializer)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        with in_public():
            found = requests.exports_of(_me(request)).filter(pk=pk).first()
            if found is None:
                raise NotFound
            return Response(export_json(found))


class ExportFileView(APIView):
    """The archive: a zip with a folder for each tenant, for seven days, for the caller only."""

    permissions = {"get": SIGNED_IN}

    @extend_schema(operation_id="me_exports_download", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponse:
        with in_public():
            content = requests.archive_of(_me(request), pk)
        return HttpResponse(
            content,
            content_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="my-data.zip"', "Cache-Control": "no-store"},
        )


def _request_json(request: DataRequest) -> dict[str, Any]:
    return {
        "id": request.pk,
        "status": request.status,
        "progress": requests.progress(request),
        "created_at": request.created_at,
        "finished_at": request.finished_at,
    }


def export_json(request: DataRequest) -> dict[str, Any]:
    ready = request.status == DataRequest.Status.READY
    return {
        **_request_json(request),
        "expires_at": request.expires_at,
        "download_url": f"/api/v1/me/exports/{request.pk}/download/" if ready else None,
    }


def erasure_json(request: DataRequest) -> dict[str, Any]:
    return {
        **_request_json(request),
        "status_url": f"/api/v1/me/erasure/{request.secret}/",
        "page_url": platform_url(f"/account/erasure/{request.secret}/"),
    }
