"""What people show of themselves, whom they follow, and against abuse of it; the same on every host.

On a tenant's host only events of that tenant are shown (N2).
"""

from typing import Any, ClassVar, cast
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Cursor
from api.parsers import StrictJSONParser, StrictMultiPartParser
from api.permissions import ANYONE, OPERATORS, SIGNED_IN
from api.v1.people.mine import tenant_json
from api.v1.people.serializers import TenantRefSerializer
from api.views import APIView
from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.people import avatars, profiles, protection
from shared_apps.people.models import Profile, ProfileReport
from tenant_apps.orders import shown_events
from tenant_apps.orders.shown_events import ShownEvent
from tenants.context import in_public


def _me(request: Request) -> User:
    return cast(User, request.user)


# --- Shapes -------------------------------------------------------------------------------------------------------


class ShownEventSerializer(serializers.Serializer[Any]):
    """An event on somebody's profile."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    starts_at = serializers.DateTimeField()
    timezone = serializers.CharField()
    url = serializers.CharField()
    tenant = TenantRefSerializer()


class PersonRefSerializer(serializers.Serializer[Any]):
    """A person as lists name them."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    avatar = serializers.CharField(allow_null=True)


class PersonProfileSerializer(PersonRefSerializer):
    """A public profile. `coming` and `attended` are null where the person does not show them."""

    about = serializers.CharField()
    followers = serializers.IntegerField()
    following = serializers.BooleanField(help_text="Whether the caller follows them.")
    coming = serializers.ListField(child=ShownEventSerializer(), allow_null=True)
    attended = serializers.ListField(child=ShownEventSerializer(), allow_null=True)


class ProfileInput(serializers.Serializer[Any]):
    """`avatar`: a file in a multipart body; null takes the picture away."""

    name = serializers.CharField(max_length=600, required=False, allow_blank=True)
    about = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    avatar = serializers.FileField(required=False, allow_null=True)
    is_public = serializers.BooleanField(required=False)
    shows_coming = serializers.BooleanField(required=False)
    shows_attended = serializers.BooleanField(required=False)


class ProfileSerializer(PersonRefSerializer):
    """One's own profile. `hidden`: the platform shows it to nobody, because of reports."""

    about = serializers.CharField()
    is_public = serializers.BooleanField()
    shows_coming = serializers.BooleanField()
    shows_attended = serializers.BooleanField()
    hidden = serializers.BooleanField()
    followers = serializers.IntegerField()
    url = serializers.CharField()


class FollowingSerializer(serializers.Serializer[Any]):
    """Whether the caller follows the person now, and how many do."""

    following = serializers.BooleanField()
    followers = serializers.IntegerField()


class ProfileReportInput(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=ProfileReport.Reason.choices)
    note = serializers.CharField(max_length=protection.LONGEST_NOTE, required=False, allow_blank=True, default="")


class ProfileReportSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    reason = serializers.CharField()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()


class OpenProfileReportSerializer(ProfileReportSerializer):
    """As operators see it. `said` is what stood there when it was reported, `reports` how many are open about them."""

    person = PersonRefSerializer()
    said = serializers.CharField()
    about = serializers.CharField(help_text="What stands there now.")
    reports = serializers.IntegerField()


class ProfileDecisionInput(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=ProfileReport.Decision.choices)


class ProfileDecisionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    decision = serializers.CharField()
    decided_at = serializers.DateTimeField()


# --- One's own ----------------------------------------------------------------------------------------------------


class ProfileView(APIView):
    """What I show of myself. It is private until I say otherwise; whoever makes it private is followed no more."""

    permissions = {"get": SIGNED_IN, "patch": SIGNED_IN}
    parser_classes = [StrictJSONParser, StrictMultiPartParser]
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="profile_retrieve", responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        return Response(profile_json(_me(request)))

    @extend_schema(
        operation_id="profile_partial_update",
        request={"application/json": ProfileInput, "multipart/form-data": ProfileInput},
        responses=ProfileSerializer,
    )
    def patch(self, request: Request) -> Response:
        me = User.objects.get(pk=_me(request).pk)
        sent: Any = request.data
        data = {name: sent[name] for name in sent}
        # What was read may be sent back.
        if isinstance(data.get("avatar"), str):
            if data["avatar"] not in ("", avatars.address_of(me)):
                message = _("Send the picture as a file, or null to take it away.")
                raise InvalidInput(errors=[FieldError("avatar", "invalid", message)])
            if data.pop("avatar") == "":
                data["avatar"] = None
        asked = ProfileInput(data=data)
        asked.is_valid(raise_exception=True)
        changes = dict(asked.validated_data)
        avatar = changes.pop("avatar", ...)
        if changes:
            profiles.change_profile(me, changes)
        if avatar is None:
            avatars.remove_avatar(me.pk)
        elif avatar is not ...:
            avatars.set_avatar(me, avatar, field="avatar")
        return Response(profile_json(me))


def profile_json(user: User) -> dict[str, Any]:
    row = profiles.profile_of(user)
    return {
        "id": user.pk,
        "name": user.name,
        "about": row.about,
        "avatar": avatars.address_of(user),
        "is_public": row.is_public,
        "shows_coming": row.shows_coming,
        "shows_attended": row.shows_attended,
        "hidden": row.hidden_at is not None,
        "followers": profiles.followers_of(user.pk),
        "url": f"/people/{user.pk}/",
    }


# --- Others' ------------------------------------------------------------------------------------------------------


class PersonView(APIView):
    """A person's public profile. Whyever there is none for the caller: 404."""

    permissions = {"get": ANYONE}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="people_retrieve", responses=PersonProfileSerializer)
    def get(self, request: Request, pk: int) -> Response:
        person = profiles.public_person(pk, request.user)
        seen = profiles.seen(person, request.user)
        shown = {name: getattr(seen, name) for name in ("id", "name", "about", "avatar", "followers", "following")}
        shown["coming"] = _events(shown_events.coming(person)) if seen.shows_coming else None
        shown["attended"] = _events(shown_events.attended(person)) if seen.shows_attended else None
        return Response(PersonProfileSerializer(shown).data)


def _events(rows: list[ShownEvent]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.event.pk,
            "slug": each.event.slug,
            "title": each.event.title,
            "starts_at": each.event.starts_at,
            "timezone": each.event.timezone,
            "url": each.url,
            "tenant": tenant_json(each.tenant),
        }
        for each in rows
    ]


class FollowView(APIView):
    """Follow a person who has a public profile, or follow them no more. Twice is once."""

    permissions = {"post": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="people_follow", request=None, responses=FollowingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        profiles.follow(_me(request), pk)
        return Response({"following": True, "followers": profiles.followers_of(pk)})

    @extend_schema(operation_id="people_unfollow", request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        profiles.unfollow(_me(request), pk)
        return Response(status=204)


class BlockView(APIView):
    """Block a person: they find no profile of mine and cannot follow me. Twice is once."""

    permissions = {"post": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="people_block", request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        protection.block(_me(request), pk)
        return Response(status=204)

    @extend_schema(operation_id="people_unblock", request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        protection.unblock(_me(request), pk)
        return Response(status=204)


class ReportView(APIView):
    """Tell the platform of a profile that breaks its rules. While it is open, telling again finds it."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="people_report", request=ProfileReportInput, responses={201: ProfileReportSerializer})
    def post(self, request: Request, pk: int) -> Response:
        asked = ProfileReportInput(data=request.data)
        asked.is_valid(raise_exception=True)
        made = protection.report(_me(request), pk, **asked.validated_data)
        return Response(ProfileReportSerializer(made).data, status=201)


class _ByFollowing(Cursor):
    ordering = ("-followed_at", "-pk")


class _ByBlocking(Cursor):
    ordering = ("-blocked_at", "-pk")


class FollowedView(APIView):
    """Whom I follow, newest first."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_following", responses=PersonRefSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = _ByFollowing()
        page: list[Any] = pages.paginate_queryset(profiles.followed_by(_me(request)), request, view=self) or []
        return pages.get_paginated_response(profiles.shown([row.person for row in page]))


class BlockedView(APIView):
    """Whom I block, newest first."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_blocked", responses=PersonRefSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = _ByBlocking()
        page: list[Any] = pages.paginate_queryset(protection.blocked_by(_me(request)), request, view=self) or []
        return pages.get_paginated_response(profiles.shown([row.blocked for row in page]))


# --- Operators ----------------------------------------------------------------------------------------------------


class _Oldest(Cursor):
    ordering = ("created_at", "pk")


class ReportsView(APIView):
    """Profiles that were reported and not decided on, the oldest first; each person once."""

    permissions = {"get": OPERATORS}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="operators_profile_reports_list", responses=OpenProfileReportSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = _Oldest()
        page: list[Any] = pages.paginate_queryset(protection.open_reports(), request, view=self) or []
        with in_public():
            people = {each["id"]: each for each in profiles.shown([row.person for row in page])}
            about = dict(Profile.objects.filter(pk__in=people).values_list("pk", "about"))
        rows = [
            {
                "id": row.pk, "reason": row.reason, "note": row.note, "created_at": row.created_at, "said": row.said,
                "reports": row.reports, "about": about.get(row.person_id, ""), "person": people[row.person_id],
            }
            for row in page
        ]  # fmt: skip
        return pages.get_paginated_response(OpenProfileReportSerializer(rows, many=True).data)


class DecisionView(APIView):
    """Hide the reported profile, or leave it. It decides all open reports of that person."""

    permissions = {"post": OPERATORS}

    @extend_schema(
        operation_id="operators_profile_reports_decide",
        request=ProfileDecisionInput,
        responses=ProfileDecisionSerializer,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        asked = ProfileDecisionInput(data=request.data)
        asked.is_valid(raise_exception=True)
        decided = protection.decide(pk, asked.validated_data["decision"], operator=_me(request))
        return Response(ProfileDecisionSerializer(decided).data)


class HiddenView(APIView):
    """A DELETE shows a hidden profile again."""

    permissions = {"delete": OPERATORS}

    @extend_schema(operation_id="operators_hidden_profiles_end", request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        protection.show_again(pk, operator=_me(request))
        return Response(status=204)
